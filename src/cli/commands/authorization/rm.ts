import { authorizationOf } from '../../authorizations.ts'
import { radiusLines, radiusOfAuthorization } from '../../blast-radius.ts'
import { confirmed } from '../../confirm.ts'
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
    const radius = await radiusOfAuthorization(server, id)
    const lines = [
      `${place(one.sourceService, one.sourceInstance, instances)} may no longer use keys of ${place(one.targetService, one.targetInstance, instances)}.`,
      ...(radius
        ? radiusLines(radius, {
            title: 'Without it nothing in these can be read or written',
            nothing: 'No bucket needs it.',
            nowMs: call.out.nowMs,
          })
        : ['What depends on it may not be known by you.']),
      ...(radius && radius.kept.length > 0
        ? [`Another authorization lets these go on: ${radius.kept.join(', ')}.`]
        : []),
      'The data stays; the same authorization brings it back.',
    ]
    if (!(await confirmed(call, { name: id, lines, document: { authorization: one, ...radius } }))) return 'done'
    await server.control('DELETE', `/v1/policies/${encodeURIComponent(id)}`)
    call.out.answer({ removed: id, ...radius }, () => `✓ ${id} was removed`, [id])
    return 'done'
  },
}
