import { everybody } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

export const listUsers: CommandSpec = {
  name: 'ls',
  summary: 'Lists users and service IDs of the account.',
  examples: ['coffer user ls'],
  see: ['coffer policy ls'],
  run: async (call) => {
    call.doing('list users')
    const { nowMs } = call.out
    call.out.rows({
      name: 'users',
      rows: await everybody(await call.server()),
      columns: [
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'TYPE', cell: ({ type }) => (type === 'user' ? 'user' : 'service ID') },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'ADDED', cell: ({ createdAt }) => whenText(createdAt, nowMs) },
        { head: 'IAM ID', cell: ({ iamId }) => iamId, wide: true },
      ],
      id: ({ iamId }) => iamId,
      none: 'There is nobody that you may see.',
    })
    return 'done'
  },
}

export const USER_ARGUMENT = { name: 'user', help: 'name, address, IAM id or id', kind: 'user' } as const
