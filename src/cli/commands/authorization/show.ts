import { authorizationOf } from '../../authorizations.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { timeText } from '../../units.ts'
import { keysText, place } from './ls.ts'

export const showAuthorization: CommandSpec = {
  name: 'show',
  summary: 'Shows an authorization.',
  arguments: [{ name: 'id', help: 'of the authorization' }],
  examples: ['coffer authorization show AUTHORIZATION'],
  run: async (call) => {
    const id = call.argument('id')
    call.doing(`show the authorization ${id}`)
    const server = await call.server()
    const one = authorizationOf(await server.control('GET', `/v1/policies/${encodeURIComponent(id)}`))
    const instances = await server.instances()
    call.out.answer(
      one,
      () =>
        factsText(
          [
            ['id', one.id],
            ['source', place(one.sourceService, one.sourceInstance, instances)],
            ['target', place(one.targetService, one.targetInstance, instances)],
            ['keys', keysText(one)],
            ['roles', one.roles.join(', ')],
            ['state', one.state],
            ['made', timeText(one.createdAt, call.out.nowMs)],
          ],
          call.out.paint,
        ),
      [one.id],
    )
    return 'done'
  },
}
