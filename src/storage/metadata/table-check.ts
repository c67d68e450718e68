import { levelReader, maskedChecksum } from './level-bytes.ts'

/**
 * LevelDB's table: blocks, each followed by `type ‖ u32le masked CRC-32C of block and type`; one of them, the index, names
 * the others that hold rows, the metaindex names filters. At the end 48 bytes: the handles of metaindex and index
 * (`varint offset ‖ varint length` each), padding, eight bytes of magic.
 */
const FOOTER_BYTES = 48
const TRAILER_BYTES = 5
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
const UNCOMPRESSED = 0

interface Handle {
  readonly offset: number
  readonly length: number
}

/** Where a table is damaged; undefined when every block of it is what was written. */
export function findTableDamage(table: Buffer): number | undefined {
  const footerAt = table.length - FOOTER_BYTES
  if (footerAt < 0 || !table.subarray(-MAGIC.length).equals(MAGIC)) return Math.max(0, footerAt)
  const footer = levelReader(table.subarray(footerAt))
  for (const handle of [readHandle(footer), readHandle(footer)]) {
    const damage = handle ? indexDamage(table, footerAt, handle) : footerAt
    if (damage !== undefined) return damage
  }
  return undefined
}

const readHandle = ({ varint }: { readonly varint: () => number | undefined }): Handle | undefined => {
  const offset = varint()
  const length = varint()
  return offset === undefined || length === undefined ? undefined : { offset, length }
}

/** Of the block itself or of one that it names. */
function indexDamage(table: Buffer, end: number, index: Handle): number | undefined {
  if (!isWhole(table, end, index)) return Math.min(index.offset, end)
  // Coffer compresses nothing; what the blocks of a table from elsewhere are is not known then.
  if (table[index.offset + index.length] !== UNCOMPRESSED) return undefined
  for (const named of handlesIn(table.subarray(index.offset, index.offset + index.length))) {
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

/** The values of a block: each entry is `shared ‖ unshared ‖ length` as varints, the rest of the key, the value; then where it is entered. */
function* handlesIn(block: Buffer): Generator<Handle | undefined> {
  const restarts = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4)
  const entries = levelReader(block.subarray(0, Math.max(0, block.length - 4 * (restarts + 1))))
  while (!entries.atEnd()) {
    entries.varint()
    const unshared = entries.varint()
    const length = entries.varint()
    entries.bytes(unshared)
    const value = entries.bytes(length)
    yield value && readHandle(levelReader(value))
    if (!value) return
  }
}
