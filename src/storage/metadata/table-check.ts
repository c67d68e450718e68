import { blockAt, entriesIn, FOOTER_BYTES, footerOf, type Handle, readHandle } from './level-blocks.ts'
import { levelReader, maskedChecksum } from './level-bytes.ts'

const TRAILER_BYTES = 5

/** Where a table is damaged; undefined when every block of it is what was written. */
export function findTableDamage(table: Buffer): number | undefined {
  const footer = footerOf(table)
  if (!footer) return Math.max(0, table.length - FOOTER_BYTES)
  for (const handle of [footer.metaindex, footer.index]) {
    const damage = handle ? indexDamage(table, footer.offset, handle) : footer.offset
    if (damage !== undefined) return damage
  }
  return undefined
}

/** Of the block itself or of one that it names. */
function indexDamage(table: Buffer, end: number, index: Handle): number | undefined {
  if (!isWhole(table, end, index)) return Math.min(index.offset, end)
  const block = blockAt(table, index)
  for (const entry of block ? entriesIn(block) : []) {
    const named = entry && readHandle(levelReader(entry.value))
    if (!named) return index.offset
    if (!isWhole(table, end, named)) return Math.min(named.offset, end)
  }
  return undefined
}

function isWhole(table: Buffer, end: number, { offset, length }: Handle): boolean {
  const typeAt = offset + length
  if (typeAt + TRAILER_BYTES > end) return false
  return table.readUInt32LE(typeAt + 1) === maskedChecksum(table.subarray(offset, typeAt + 1))
}
