import { type LevelReader, levelReader } from './level-bytes.ts'

/**
 * LevelDB's table: blocks, each followed by `type ‖ u32le masked CRC-32C of block and type`; one of them, the index, names
 * the others that hold rows, the metaindex names filters. At the end 48 bytes: the handles of metaindex and index
 * (`varint offset ‖ varint length` each), padding, eight bytes of magic.
 */
export const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')

/** Type of a block. Coffer compresses nothing; what the blocks of a table from elsewhere are is not known. */
const UNCOMPRESSED = 0

export interface Handle {
  readonly offset: number
  readonly length: number
}

interface Footer {
  readonly offset: number
  readonly metaindex: Handle | undefined
  readonly index: Handle | undefined
}

/** Undefined when the table does not end with one. */
export function footerOf(table: Buffer): Footer | undefined {
  const offset = table.length - FOOTER_BYTES
  if (offset < 0 || !table.subarray(-MAGIC.length).equals(MAGIC)) return undefined
  const footer = levelReader(table.subarray(offset))
  return { offset, metaindex: readHandle(footer), index: readHandle(footer) }
}

export function readHandle({ varint }: Pick<LevelReader, 'varint'>): Handle | undefined {
  const offset = varint()
  const length = varint()
  return offset === undefined || length === undefined ? undefined : { offset, length }
}

/** Undefined when it is compressed. */
export const blockAt = (table: Buffer, { offset, length }: Handle): Buffer | undefined =>
  table[offset + length] === UNCOMPRESSED ? table.subarray(offset, offset + length) : undefined

interface BlockEntry {
  /** How many bytes the key has in common with the one before. */
  readonly shared: number
  readonly rest: Buffer
  readonly value: Buffer
}

/**
 * Each entry is `shared ‖ unshared ‖ length` as varints, the rest of the key, the value; after them stands where some of them
 * are. Undefined where that is not so, and nothing more.
 */
export function* entriesIn(block: Buffer): Generator<BlockEntry | undefined> {
  const restarts = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4)
  const entries = levelReader(block.subarray(0, Math.max(0, block.length - 4 * (restarts + 1))))
  while (!entries.atEnd()) {
    const shared = entries.varint()
    const unshared = entries.varint()
    const length = entries.varint()
    const rest = entries.bytes(unshared)
    const value = entries.bytes(length)
    if (shared === undefined || rest === undefined || value === undefined) {
      yield undefined
      return
    }
    yield { shared, rest, value }
  }
}
