import { instanceOf } from '../../authorizations.ts'
import { confirmed } from '../../confirm.ts'
import { credentialLines, makeApiKey, makePair, removeCredential } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { CREDENTIAL_ARGUMENT, credentialOf } from './key-rm.ts'
import { USER_ARGUMENT } from './ls.ts'

export const keyRotate: CommandSpec = {
  name: 'key rotate',
  summary: 'Makes another credential of the same kind, shows it once, and removes the old one.',
  about: 'With --keep-old both work, until `coffer user key rm` removes the old one: for programs that are told later.',
  arguments: [USER_ARGUMENT, CREDENTIAL_ARGUMENT],
  options: { 'keep-old': { help: 'the old one goes on working' } },
  destructive: true,
  examples: ['coffer user key rotate svc-billing CREDENTIAL --keep-old --yes'],
  run: async (call) => {
    call.doing(`rotate the credential ${call.argument('id')}`)
    const server = await call.server()
    const { who, found } = await credentialOf(server, call.argument('user'), call.argument('id'))
    const keeps = call.flag('keep-old')
    const lines = [
      `${who.name} gets another ${found.kind === 'hmac' ? 'key pair' : 'API key'}; ${found.id} ${keeps ? 'goes on working' : 'works no more'}.`,
    ]
    if (!(await confirmed(call, { name: found.id, lines, document: { credential: found, keepsOld: keeps } })))
      return 'done'
    const source =
      found.kind === 'hmac'
        ? (await instanceOf(server, 'cloud-object-storage', server.objectStorageCrn)).crn
        : undefined
    const made =
      source === undefined
        ? await makeApiKey(server, who, found.name)
        : await makePair(server, who, found.name, source, undefined)
    if (!keeps) await removeCredential(server, found)
    call.out.answer(
      { ...made, replaced: found.id, keepsOld: keeps },
      () => [`✓ ${made.id}, shown once:`, ...credentialLines(made).map((line) => `  ${line}`)].join('\n'),
      [made.accessKeyId ?? made.apiKey ?? ''],
    )
    return 'done'
  },
}
