import { granting, TARGET_OPTIONS } from '../../access-policies.ts'
import { instanceOf } from '../../authorizations.ts'
import { CommandFailure } from '../../failure.ts'
import {
  credentialLines,
  everybody,
  findSomebody,
  makeApiKey,
  makePair,
  type Somebody,
  serviceIdOf,
} from '../../identities.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'

export const createUser: CommandSpec = {
  name: 'create',
  summary: 'Adds a service ID for a program, or, by an address, a user for a person.',
  about:
    'With --role it gets that right at once, and with --credentials what it signs in with, which is shown once: of a service ID a key pair for S3 and an API key, of a user an API key.',
  arguments: [{ name: 'name', help: 'svc-billing, or anna@example.com' }],
  options: {
    role: { value: 'role', help: 'Reader, Writer, Manager, … on what the next options name' },
    ...TARGET_OPTIONS,
    credentials: { help: 'makes and shows credentials' },
    description: { value: 'text', help: 'of a service ID' },
  },
  examples: [
    'coffer user create svc-billing --role Writer --bucket invoices --credentials',
    'coffer user create anna@example.com --role Reader',
  ],
  see: ['coffer user key create', 'coffer policy attach'],
  run: async (call) => {
    const name = call.argument('name')
    call.doing(`add ${name}`)
    const server = await call.server()
    const role = call.text('role')
    const targets = { bucket: call.text('bucket'), key: call.text('key'), service: call.text('service') }
    const give = role === undefined ? undefined : await granting(server, role, targets)
    const who = name.includes('@') ? await invited(server, name) : await made(server, name, call.text('description'))
    const policy = await give?.(who.iamId)
    const credential = call.flag('credentials') ? await credentialFor(server, who) : undefined
    call.out.answer(
      { ...who, policy, credentials: credential },
      () =>
        [
          `✓ ${name}  (${who.iamId})`,
          ...(policy ? [`  ${policy.roles.join(', ')} on ${policy.on}`] : []),
          ...(credential ? ['', 'Shown once:', ...credentialLines(credential).map((line) => `  ${line}`)] : []),
        ].join('\n'),
      [who.iamId],
    )
    return 'done'
  },
}

async function made(server: Server, name: string, description: string | undefined): Promise<Somebody> {
  const { accountId } = await server.identity()
  // IAM takes a name twice. Then no command could say by it who is meant.
  const namesake = (await everybody(server)).find((one) => one.name === name)
  if (namesake) {
    throw new CommandFailure({
      ...{ code: 'NameTaken', ending: 'conflict', why: `there is somebody called ${name}: ${namesake.iamId}` },
      fixes: [`coffer user show ${name}`],
    })
  }
  const json = { account_id: accountId, name, ...(description === undefined ? {} : { description }) }
  return serviceIdOf(await server.control('POST', '/v1/serviceids', { json }))
}

async function invited(server: Server, email: string): Promise<Somebody> {
  const { accountId } = await server.identity()
  await server.control('POST', `/v2/accounts/${accountId}/users`, {
    json: { users: [{ email, account_role: 'Member' }] },
  })
  return findSomebody(server, email)
}

/** A pair for S3 where it can be had. */
async function credentialFor(server: Server, who: Somebody) {
  if (who.type === 'user') return makeApiKey(server, who, 'coffer')
  const { crn } = await instanceOf(server, 'cloud-object-storage', server.objectStorageCrn)
  return makePair(server, who, who.name, crn, undefined)
}
