import { hasCode } from '../../base/errors.ts'
import type { Entry, Group, GroupRange, MetadataStore, MetadataStoreErrorCode, Range, Token } from './metadata-store.ts'

/** A row whose value does not authenticate. */
export interface DamagedRow {
  readonly key: Buffer
  readonly token: Token
  readonly damage: Error
}

/** The row that a read of a sealed store failed at; undefined when something else is wrong. */
export function damagedRow(error: unknown): DamagedRow | undefined {
  if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) return undefined
  const { row, token } = error.details
  if (typeof row !== 'string' || typeof token !== 'string') return undefined
  return { key: Buffer.from(row, 'hex'), token, damage: error }
}

/** A page as `range` gives it, ascending, with the rows in their places that do not authenticate. */
export function rangeWithDamaged(
  { range }: Pick<MetadataStore, 'range'>,
  space: number,
  { gte, lt, limit, ...known }: Omit<Range, 'reverse'>,
): Promise<(Entry | DamagedRow)[]> {
  return around(gte, lt, limit, (from, to, rest) => range(space, { ...known, gte: from, lt: to, limit: rest }))
}

/** A page as `groups` gives it, with the rows in their places that do not authenticate. */
export function groupsWithDamaged(
  { groups }: Pick<MetadataStore, 'groups'>,
  space: number,
  { from, lt, limit, ...grouping }: GroupRange,
): Promise<(Group | DamagedRow)[]> {
  return around(from, lt, limit, (start, end, rest) =>
    groups(space, { ...grouping, from: start, lt: end, limit: rest }),
  )
}

/** What is before the damaged row, the row, and what is behind it. */
async function around<Item>(
  from: Buffer,
  to: Buffer,
  limit: number,
  read: (from: Buffer, to: Buffer, limit: number) => Promise<Item[]>,
): Promise<(Item | DamagedRow)[]> {
  const found: (Item | DamagedRow)[] = []
  let start = from
  while (found.length < limit && start.compare(to) < 0) {
    const { items, damaged } = await before(start, to, limit - found.length, read)
    found.push(...items)
    if (!damaged || found.length >= limit) break
    found.push(damaged)
    start = Buffer.concat([damaged.key, Buffer.from([0])])
  }
  return found
}

/** The items before the first damaged row, and the row. */
async function before<Item>(
  from: Buffer,
  to: Buffer,
  limit: number,
  read: (from: Buffer, to: Buffer, limit: number) => Promise<Item[]>,
): Promise<{ readonly items: Item[]; readonly damaged?: DamagedRow }> {
  try {
    return { items: await read(from, to, limit) }
  } catch (error) {
    const damaged = damagedRow(error)
    if (!damaged) throw error
    if (from.compare(damaged.key) >= 0) return { items: [], damaged }
    const { items, damaged: earlier = damaged } = await before(from, damaged.key, limit, read)
    return { items, damaged: earlier }
  }
}
