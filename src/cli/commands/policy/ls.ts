import { accessPolicies } from '../../access-policies.ts'
import { everybody, findSomebody } from '../../identities.ts'
import { tokenOrNone } from '../../optional-control.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

export const listPolicies: CommandSpec = {
  name: 'ls',
  summary: 'Lists access policies: who has which role on what.',
  options: { user: { value: 'user', help: 'of this user or service ID', kind: 'user' } },
  examples: ['coffer policy ls', 'coffer policy ls --user svc-billing'],
  see: ['coffer authorization ls', 'coffer bucket policy get'],
  run: async (call) => {
    call.doing('list policies')
    const server = await call.server()
    const named = call.text('user')
    const who = named === undefined ? undefined : await findSomebody(server, named)
    const [policies, all] = await Promise.all([
      accessPolicies(server, who?.iamId),
      tokenOrNone(() => everybody(server)),
    ])
    const names = new Map((all ?? []).map(({ iamId, name }) => [iamId, name]))
    const { nowMs } = call.out
    call.out.rows({
      name: 'policies',
      rows: policies,
      columns: [
        { head: 'ID', cell: ({ id }) => id },
        { head: 'WHO', cell: ({ iamId }) => names.get(iamId) ?? iamId },
        { head: 'ROLES', cell: ({ roles }) => roles.join(', ') },
        { head: 'ON', cell: ({ on }) => on },
        { head: 'STATE', cell: ({ state }) => state, wide: true },
        { head: 'MADE', cell: ({ createdAt }) => whenText(createdAt, nowMs), wide: true },
      ],
      id: ({ id }) => id,
      none: 'There are no access policies that you may see. coffer policy attach makes one.',
    })
    return 'done'
  },
}
