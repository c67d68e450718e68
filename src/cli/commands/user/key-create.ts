import { instanceOf } from '../../authorizations.ts'
import { credentialLines, findSomebody, makeApiKey, makePair } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { USER_ARGUMENT } from './ls.ts'

export const keyCreate: CommandSpec = {
  name: 'key create',
  summary: 'Makes an API key, or with --hmac a key pair for S3, and shows it once.',
  arguments: [USER_ARGUMENT],
  options: {
    hmac: { help: 'an access key and a secret for S3; of a service ID' },
    name: { value: 'name', help: 'of the credential' },
    role: {
      value: 'role',
      help: 'a right on the object storage instance that the pair brings with it',
      choices: ['Reader', 'Writer', 'Manager'],
    },
  },
  examples: ['coffer user key create svc-billing', 'coffer user key create svc-billing --hmac'],
  see: ['coffer user key rotate'],
  run: async (call) => {
    call.doing(`make a credential for ${call.argument('user')}`)
    const server = await call.server()
    const who = await findSomebody(server, call.argument('user'))
    const name = call.text('name') ?? who.name
    const source = call.flag('hmac')
      ? (await instanceOf(server, 'cloud-object-storage', server.objectStorageCrn)).crn
      : undefined
    const made =
      source === undefined
        ? await makeApiKey(server, who, name)
        : await makePair(server, who, name, source, call.text('role'))
    call.out.answer(
      made,
      () => [`✓ ${made.id}, shown once:`, ...credentialLines(made).map((line) => `  ${line}`)].join('\n'),
      [made.accessKeyId ?? made.apiKey ?? ''],
    )
    return 'done'
  },
}
