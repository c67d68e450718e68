import { actionsNamed } from './action-catalog.ts'
import type { Action } from './actions.ts'
import { type CustomRole, crnOfRole, customRoleCodec } from './custom-role.ts'
import { IAM_SPACE } from './keyspace.ts'
import type { ServiceName } from './principal.ts'
import { openTable, type Table, type TableStore } from './table.ts'

/** The roles that accounts have made. */
export interface RoleBook extends Table<CustomRole> {
  readonly byCrn: (crn: string) => CustomRole | undefined
  /** By name. */
  readonly ofAccount: (accountId: string) => readonly CustomRole[]
  readonly allows: (accountId: string, name: string, service: ServiceName, action: Action) => boolean
}

interface Entry {
  readonly role: CustomRole
  readonly actions: ReadonlySet<Action>
}

export async function openRoleBook(rows: TableStore): Promise<RoleBook> {
  const entries = new Map<string, Entry>()
  const keyOf = ({ accountId, name }: Pick<CustomRole, 'accountId' | 'name'>): string => `${accountId}/${name}`
  const enter = (role: CustomRole): void => {
    const actions = role.actions.flatMap((name) => actionsNamed(role.serviceName, name) ?? [])
    entries.set(keyOf(role), { role, actions: new Set(actions) })
  }
  const table = await openTable(rows, IAM_SPACE.customRole, customRoleCodec, (role, before) => {
    if (before) entries.delete(keyOf(before))
    if (role) enter(role)
  })
  for (const role of table.values()) enter(role)

  return {
    ...table,
    byCrn: (crn) => [...table.values()].find((role) => crnOfRole(role) === crn),
    ofAccount: (accountId) =>
      [...table.values()].filter((role) => role.accountId === accountId).sort((a, b) => (a.name < b.name ? -1 : 1)),
    allows: (accountId, name, service, action) => {
      const entry = entries.get(keyOf({ accountId, name }))
      return entry?.role.serviceName === service && entry.actions.has(action)
    },
  }
}
