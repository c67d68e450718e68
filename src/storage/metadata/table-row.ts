import { blockAt, entriesIn, footerOf, readHandle } from './level-blocks.ts'
import { levelReader } from './level-bytes.ts'

/** After each key in a table: LevelDB's number of the write and whether the row was put or deleted. */
const NUMBER_BYTES = 8

/** What a table tells of a row. */
export type TableRow =
  | { readonly state: 'here'; readonly value: Buffer }
  | { readonly state: 'absent' }
  | { readonly state: 'compressed' }

/**
 * The newest value of a row in one table, of which no row was ever deleted. Precondition: the table is whole. A table may
 * hold every value that the row has had, the newest first.
 */
export function rowInTable(table: Buffer, key: Buffer): TableRow {
  const handle = footerOf(table)?.index
  const index = handle && blockAt(table, handle)
  if (!index) return { state: 'compressed' }
  for (const { key: last, value } of rowsIn(index)) {
    const order = last.compare(key)
    if (order < 0) continue
    const named = readHandle(levelReader(value))
    const block = named && blockAt(table, named)
    if (!block) return { state: 'compressed' }
    for (const row of rowsIn(block)) if (row.key.equals(key)) return { state: 'here', value: row.value }
    if (order > 0) break
  }
  return { state: 'absent' }
}

function* rowsIn(block: Buffer): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
  let stored: Buffer = Buffer.alloc(0)
  for (const entry of entriesIn(block)) {
    if (!entry) return
    stored = Buffer.concat([stored.subarray(0, entry.shared), entry.rest])
    yield { key: stored.subarray(0, -NUMBER_BYTES), value: entry.value }
  }
}
