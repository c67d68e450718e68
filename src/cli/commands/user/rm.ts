import { accessPolicies } from '../../access-policies.ts'
import { confirmed } from '../../confirm.ts'
import { credentialsOf, findSomebody } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText } from '../../units.ts'
import { USER_ARGUMENT } from './ls.ts'

export const removeUser: CommandSpec = {
  name: 'rm',
  summary: 'Removes a user or service ID, with its credentials and policies.',
  arguments: [USER_ARGUMENT],
  destructive: true,
  examples: ['coffer user rm svc-old --dry-run', 'coffer user rm svc-old --yes'],
  run: async (call) => {
    const named = call.argument('user')
    call.doing(`remove ${named}`)
    const server = await call.server()
    const who = await findSomebody(server, named)
    const [policies, credentials] = await Promise.all([accessPolicies(server, who.iamId), credentialsOf(server, who)])
    const lines = [
      `${who.name} can sign in no more, from the next request on: ${countText(credentials.length, 'credential')} end, links that they signed too.`,
      ...policies.map(({ roles, on }) => `  no longer ${roles.join(', ')} on ${on}`),
    ]
    if (!(await confirmed(call, { name: who.name, lines, document: { user: who, policies, credentials } })))
      return 'done'
    const { accountId } = await server.identity()
    const path =
      who.id === undefined
        ? `/v2/accounts/${accountId}/users/${encodeURIComponent(who.iamId)}`
        : `/v1/serviceids/${who.id}`
    await server.control('DELETE', path)
    call.out.answer({ removed: who.iamId }, () => `✓ ${who.name} was removed`, [who.iamId])
    return 'done'
  },
}
