import { authorizationOf, instanceOf } from '../../authorizations.ts'
import { findKey } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'

const ROLE = 'crn:v1:bluemix:public:iam::::serviceRole:'

export const createAuthorization: CommandSpec = {
  name: 'create',
  summary: 'Lets an object storage instance use root keys of a Key Protect instance.',
  about:
    'It wraps and unwraps data keys with them, and nothing else. Take the authorization away, and no bucket under these keys can be read.',
  options: {
    source: { value: 'instance', help: 'object storage instance, by name, id or CRN; not needed where there is one' },
    target: { value: 'instance', help: 'Key Protect instance; not needed where there is one' },
    key: { value: 'key', help: 'this root key alone', kind: 'key' },
    role: { value: 'role', help: 'Reader by default', choices: ['Reader', 'ReaderPlus', 'Writer', 'Manager'] },
  },
  examples: ['coffer authorization create --source objects --target keys'],
  see: ['coffer authorization check', 'coffer bucket create'],
  run: async (call) => {
    call.doing('create an authorization')
    const server = await call.server()
    const named = call.text('key')
    const key = named === undefined ? undefined : await findKey(server, named, call.text('target'))
    const source = await instanceOf(server, 'cloud-object-storage', call.text('source'))
    const target = key?.instance ?? (await instanceOf(server, 'kms', call.text('target')))
    const { accountId } = await server.identity()
    const attributes = (pairs: Readonly<Record<string, string>>) => [
      { attributes: Object.entries(pairs).map(([name, value]) => ({ name, value })) },
    ]
    const json = {
      type: 'authorization',
      subjects: attributes({ serviceName: 'cloud-object-storage', serviceInstance: source.guid }),
      roles: [{ role_id: `${ROLE}${call.text('role') ?? 'Reader'}` }],
      resources: attributes({
        accountId,
        serviceName: 'kms',
        serviceInstance: target.guid,
        ...(key ? { resourceType: 'key', resource: key.id } : {}),
      }),
    }
    const made = authorizationOf(await server.control('POST', '/v1/policies', { json }))
    call.out.answer(made, () => `✓ ${source.name} may use ${key ? `${named} of ` : ''}${target.name}  (${made.id})`, [
      made.id,
    ])
    return 'done'
  },
}
