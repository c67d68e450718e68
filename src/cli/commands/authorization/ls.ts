import { type Authorization, authorizations } from '../../authorizations.ts'
import type { Instance } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

export const listAuthorizations: CommandSpec = {
  name: 'ls',
  summary: 'Lists authorizations: which service may use keys of which instance.',
  examples: ['coffer authorization ls'],
  see: ['coffer bucket who-can-read'],
  run: async (call) => {
    call.doing('list authorizations')
    const server = await call.server()
    const [all, instances] = await Promise.all([authorizations(server), server.instances()])
    const { nowMs } = call.out
    call.out.rows({
      name: 'authorizations',
      rows: all,
      columns: [
        { head: 'ID', cell: ({ id }) => id },
        {
          head: 'SOURCE',
          cell: ({ sourceService, sourceInstance }) => place(sourceService, sourceInstance, instances),
        },
        {
          head: 'TARGET',
          cell: ({ targetService, targetInstance }) => place(targetService, targetInstance, instances),
        },
        { head: 'KEYS', cell: keysText },
        { head: 'ROLES', cell: ({ roles }) => roles.join(', ') },
        { head: 'MADE', cell: ({ createdAt }) => whenText(createdAt, nowMs), wide: true },
      ],
      id: ({ id }) => id,
      none: 'There are no authorizations: buckets can have no root keys of Key Protect. coffer authorization create makes one.',
    })
    return 'done'
  },
}

export const place = (service: string, guid: string, instances: readonly Instance[]): string =>
  guid === '' ? `every ${service}` : (instances.find((one) => one.guid === guid)?.name ?? guid)

export const keysText = ({ key, keyRing }: Authorization): string =>
  key !== '' ? key : keyRing === '' ? 'all' : `ring ${keyRing}`
