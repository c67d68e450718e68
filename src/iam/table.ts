import { CodedError } from '../base/errors.ts'
import type { FollowRows } from '../storage/metadata/changed-row.ts'
import { type DamagedRow, damagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Space, Write } from '../storage/metadata/metadata-store.ts'
import type { IamErrorCode } from './errors.ts'

/** A write that is not yet done, and what it does to memory once it is durable. */
export interface Change {
  readonly write: Extract<Write, { type: 'put' | 'delete' }>
  readonly apply: () => void
}

/** All records of one space, in memory. Ids may be any text, so they are Map keys and nothing else. */
export interface Table<Row> {
  readonly get: (id: string) => Row | undefined
  readonly values: () => Iterable<Row>
  /** With those that are damaged. */
  readonly size: () => number
  /** There is a row of this id, and nobody can read it. */
  readonly isDamaged: (id: string) => boolean
  readonly put: (id: string, row: Row) => Change
  readonly remove: (id: string) => Change
}

/** How a row is written down. `decode` throws on anything it would not have written. */
export interface RowCodec<Row> {
  readonly encode: (row: Row) => unknown
  readonly decode: (stored: unknown) => Row
}

/** A row that cannot be read: what it is of is refused, the others serve. It stays as it is until it is restored. */
export interface IamDamage {
  readonly space: Space
  readonly id: string
  readonly cause: unknown
}

/** Where the rows are, and who is told of those that cannot be read. */
export interface TableStore {
  readonly store: MetadataStore
  readonly onDamage: (damage: IamDamage) => void
  /** By space: takes in what another thread has changed. Each table adds its own. */
  readonly follows?: Map<Space, FollowRows>
}

const PAGE = 500
const VERSION = 1

export async function openTable<Row>(
  { store, onDamage, follows }: TableStore,
  space: Space,
  codec: RowCodec<Row>,
  changed: (after: Row | undefined, before: Row | undefined) => void = () => {},
): Promise<Table<Row>> {
  const rows = new Map<string, Row>()
  const damagedRows = new Set<string>()
  const damaged = (id: string, cause: unknown): void => {
    damagedRows.add(id)
    onDamage({ space, id, cause })
  }
  for await (const entry of entries(store, space)) {
    const id = entry.key.toString('utf8')
    if ('damage' in entry) damaged(id, entry.damage)
    else decodeInto(rows, id, () => decodeRow(codec, entry.value, space), damaged)
  }
  const set = (id: string, row: Row): void => {
    const before = rows.get(id)
    rows.set(id, row)
    damagedRows.delete(id)
    changed(row, before)
  }
  const remove = (id: string): void => {
    const before = rows.get(id)
    rows.delete(id)
    changed(undefined, before)
  }
  follows?.set(space, async (changes) => {
    const found = await Promise.all(changes.map(({ key }) => readAgain(store, space, key)))
    return () => {
      for (const [index, { key }] of changes.entries()) {
        const id = key.toString('utf8')
        const entry = found[index]
        const read = new Map<string, Row>()
        if (entry && 'damage' in entry) damaged(id, entry.damage)
        else if (entry) decodeInto(read, id, () => decodeRow(codec, entry.value, space), damaged)
        else damagedRows.delete(id)
        const row = read.get(id)
        if (row !== undefined) set(id, row)
        else if (rows.has(id)) remove(id)
      }
    }
  })
  return {
    get: (id) => rows.get(id),
    values: () => rows.values(),
    size: () => rows.size + damagedRows.size,
    isDamaged: (id) => damagedRows.has(id),
    put: (id, row) => ({
      write: { type: 'put', space, key: Buffer.from(id, 'utf8'), value: encodeRow(codec, row) },
      apply: () => set(id, row),
    }),
    remove: (id) => ({
      write: { type: 'delete', space, key: Buffer.from(id, 'utf8') },
      apply: () => remove(id),
    }),
  }
}

async function readAgain(store: MetadataStore, space: Space, key: Buffer): Promise<Entry | DamagedRow | undefined> {
  try {
    return await store.get(space, key)
  } catch (error) {
    const row = damagedRow(error)
    if (!row) throw error
    return row
  }
}

async function* entries(store: MetadataStore, space: Space) {
  let gte: Buffer = Buffer.alloc(0)
  const lt = Buffer.alloc(2048, 0xff)
  for (;;) {
    const page = await rangeWithDamaged(store, space, { gte, lt, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

function decodeInto<Row>(
  rows: Map<string, Row>,
  id: string,
  decode: () => Row,
  damaged: (id: string, cause: unknown) => void,
): void {
  try {
    rows.set(id, decode())
  } catch (cause) {
    damaged(id, cause)
  }
}

const encodeRow = <Row>(codec: RowCodec<Row>, row: Row): Buffer =>
  Buffer.from(JSON.stringify({ version: VERSION, row: codec.encode(row) }), 'utf8')

function decodeRow<Row>(codec: RowCodec<Row>, value: Buffer, space: Space): Row {
  try {
    const stored: unknown = JSON.parse(value.toString('utf8'))
    if (
      typeof stored === 'object' &&
      stored !== null &&
      'version' in stored &&
      stored.version === VERSION &&
      'row' in stored
    ) {
      return codec.decode(stored.row)
    }
  } catch (cause) {
    throw damaged(space, cause)
  }
  throw damaged(space)
}

function damaged(space: Space, cause?: unknown): CodedError<IamErrorCode> {
  return new CodedError(
    'IamStateDamaged',
    'a stored identity does not decode, or its secret does not open with this instance key',
    {
      details: { space },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

/** What is declared does not take the place of what nobody can read: that may have been shut out. Throws IamStateDamaged. */
export function requireReadable<Row>({ isDamaged }: Table<Row>, id: string): void {
  if (!isDamaged(id)) return
  throw new CodedError<IamErrorCode>(
    'IamStateDamaged',
    'what is stored of it is damaged: it has to be restored from a backup',
  )
}
