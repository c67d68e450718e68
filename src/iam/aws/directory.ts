import type { IamState } from '../state.ts'
import type { Table } from '../table.ts'
import { type AwsEntity, type AwsKind, entityKey } from './entity.ts'
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity, validation } from './errors.ts'
import { QUOTAS } from './quotas.ts'

/** Users, groups or roles of AWS's kind. Names are looked for without regard to case; who is not there throws NoSuchEntity. */
export interface AwsDirectory<Row extends AwsEntity> {
  readonly get: (accountId: string, name: string) => Row
  /** In order of their names. */
  readonly list: (accountId: string) => readonly Row[]
  /** Throws EntityAlreadyExists, ValidationError. */
  readonly create: (row: Row) => Promise<Row>
  /** What it is to become is asked for within the change. Throws EntityAlreadyExists, ValidationError. */
  readonly change: (accountId: string, name: string, after: (before: Row) => Row) => Promise<Row>
  /** Throws DeleteConflict while it has policies, or what `blocks` names. */
  readonly remove: (accountId: string, name: string) => Promise<void>
}

export interface DirectoryOptions<Row> {
  readonly kind: AwsKind
  /** What has to be deleted first; undefined: nothing. */
  readonly blocks: (row: Row) => string | undefined
  /** Asked for what is new, and for what gets another name or path. Throws EntityAlreadyExists, ValidationError. */
  readonly checkArn?: (row: Row) => void
}

export function awsDirectory<Row extends AwsEntity>(
  { change }: Pick<IamState, 'change'>,
  table: Table<Row>,
  { kind, blocks, checkArn = () => {} }: DirectoryOptions<Row>,
): AwsDirectory<Row> {
  const lower = (name: string) => name.toLowerCase()
  const find = (accountId: string, name: string): Row | undefined => {
    for (const row of table.values()) if (row.accountId === accountId && lower(row.name) === lower(name)) return row
    return undefined
  }
  const get = (accountId: string, name: string): Row => {
    const row = find(accountId, name)
    if (!row) throw noSuchEntity(`The ${kind} with name ${name} cannot be found.`)
    return row
  }
  const checked = (row: Row): Row => {
    if (!/^[\w+=,.@-]{1,64}$/.test(row.name)) throw validation(`The specified value for ${kind}Name is invalid.`)
    if (row.path.length > 512 || !/^\/(?:[\x21-\x7e]*\/)?$/.test(row.path)) {
      throw validation('The specified value for path is invalid. It must begin and end with / and be at most 512 long.')
    }
    const other = find(row.accountId, row.name)
    if (other && other.id !== row.id)
      throw alreadyExists(`${kind[0]?.toUpperCase()}${kind.slice(1)} with name ${row.name}`)
    return row
  }
  return {
    get,
    list: (accountId) =>
      [...table.values()]
        .filter((row) => row.accountId === accountId)
        .sort((one, other) => (lower(one.name) < lower(other.name) ? -1 : 1)),
    create: (row) =>
      change(() => {
        checkArn(row)
        let count = 0
        for (const one of table.values()) if (one.accountId === row.accountId) count++
        if (count >= QUOTAS[kind].entities) throw limitExceeded(`Cannot exceed quota for ${kind}s: ${count}`)
        return { changes: [table.put(entityKey(row), checked(row))], result: row }
      }),
    change: (accountId, name, after) =>
      change(() => {
        const before = get(accountId, name)
        const row = checked(after(before))
        if (row.name !== before.name || row.path !== before.path) checkArn(row)
        return { changes: [table.put(entityKey(row), row)], result: row }
      }),
    remove: (accountId, name) =>
      change(() => {
        const row = get(accountId, name)
        const left = row.policies.length > 0 ? 'policies' : row.attached.length > 0 ? 'attached policies' : blocks(row)
        if (left !== undefined) throw deleteConflict(`Cannot delete entity, must delete ${left} first.`)
        return { changes: [table.remove(entityKey(row))], result: undefined }
      }),
  }
}
