import { authorizationOf } from '../../authorizations.ts'
import { confirmed } from '../../confirm.ts'
import { keysOf, registrationsOf } from '../../key-protect.ts'
import type { Instance, Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { place } from './ls.ts'

export const removeAuthorization: CommandSpec = {
  name: 'rm',
  summary: 'Removes an authorization. Buckets that need it cannot be read from then on.',
  arguments: [{ name: 'id', help: 'of the authorization' }],
  destructive: true,
  examples: ['coffer authorization rm AUTHORIZATION --dry-run', 'coffer authorization rm AUTHORIZATION --yes'],
  see: ['coffer authorization create'],
  run: async (call) => {
    const id = call.argument('id')
    call.doing(`remove the authorization ${id}`)
    const server = await call.server()
    const one = authorizationOf(await server.control('GET', `/v1/policies/${encodeURIComponent(id)}`))
    const instances = await server.instances()
    const targets = instances.filter(
      ({ service, guid }) => service === 'kms' && ['', guid].includes(one.targetInstance),
    )
    const buckets = (await Promise.all(targets.map((target) => bucketsUnder(server, target, one.key)))).flat()
    const lines = [
      `${place(one.sourceService, one.sourceInstance, instances)} may no longer use keys of ${place(one.targetService, one.targetInstance, instances)}.`,
      buckets.length === 0
        ? 'No bucket is registered at these keys.'
        : `Unless another authorization says the same, these cannot be read: ${buckets.join(', ')}. The data stays; the same authorization brings it back.`,
    ]
    if (!(await confirmed(call, { name: id, lines, document: { authorization: one, buckets } }))) return 'done'
    await server.control('DELETE', `/v1/policies/${encodeURIComponent(id)}`)
    call.out.answer({ removed: id, buckets }, () => `✓ ${id} was removed`, [id])
    return 'done'
  },
}

async function bucketsUnder(server: Server, instance: Instance, only: string): Promise<readonly string[]> {
  const keys = (await keysOf(server, instance)).filter(({ id, isRootKey }) => isRootKey && ['', id].includes(only))
  const found = await Promise.all(keys.map((key) => registrationsOf(server, key)))
  return [...new Set(found.flat().map(({ bucket }) => bucket))]
}
