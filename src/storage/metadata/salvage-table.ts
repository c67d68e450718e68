import { blockAt, entriesIn, FOOTER_BYTES, footerOf, type Handle, readHandle } from './level-blocks.ts'
import { levelReader, maskedChecksum } from './level-bytes.ts'

/** A write of a row, as a table or a log has it. */
export interface FoundWrite {
  readonly key: Buffer
  /** LevelDB's number of the write: of the same row the highest counts. */
  readonly number: bigint
  /** Undefined: the row was deleted. */
  readonly value: Buffer | undefined
  /** Its checksum holds. What does not is believed only if the row authenticates. */
  readonly sure: boolean
}

/** Rows that may have been there: behind `after`, up to `last` and including it; undefined: from the first, to the last of the table. */
export interface LostRange {
  readonly after: Buffer | undefined
  readonly last: Buffer | undefined
}

export interface SalvagedTable {
  readonly writes: readonly FoundWrite[]
  readonly lost: readonly LostRange[]
}

const TRAILER_BYTES = 5
const NUMBER_BYTES = 8
const PUT = 1n
/** LevelDB notes where every sixteenth entry begins. */
const RESTART_INTERVAL = 16

/** All that can be read of a table, whatever became of the rest. Throws for nothing. */
export function salvageTable(table: Buffer): SalvagedTable {
  const index = footerOf(table)?.index
  const block = index && isWhole(table, index) ? blockAt(table, index) : undefined
  return block ? byIndex(table, block) : bySequence(table)
}

const isWhole = (table: Buffer, { offset, length }: Handle): boolean => {
  const typeAt = offset + length
  if (typeAt + TRAILER_BYTES > table.length) return false
  return table.readUInt32LE(typeAt + 1) === maskedChecksum(table.subarray(offset, typeAt + 1))
}

/** The index says where each block is, and the last key that may be in it. */
function byIndex(table: Buffer, index: Buffer): SalvagedTable {
  const writes: FoundWrite[] = []
  const lost: LostRange[] = []
  let after: Buffer | undefined
  let stored: Buffer = Buffer.alloc(0)
  for (const entry of entriesIn(index)) {
    if (!entry) {
      lost.push({ after, last: undefined })
      break
    }
    stored = Buffer.concat([stored.subarray(0, entry.shared), entry.rest])
    const last = stored.subarray(0, -NUMBER_BYTES)
    const handle = readHandle(levelReader(entry.value))
    const block = handle && handle.offset + handle.length <= table.length ? blockAt(table, handle) : undefined
    if (handle && block && isWhole(table, handle)) writes.push(...writesIn(block, true))
    else {
      lost.push({ after, last })
      const end = handle ? Math.min(handle.offset + handle.length, table.length) : 0
      if (handle && handle.offset < end) writes.push(...writesIn(table.subarray(handle.offset, end), false))
    }
    after = last
  }
  return { writes, lost }
}

/** Without an index blocks are found one after the other: an entry without a key is none, and what stands there ends the block. */
function bySequence(table: Buffer): SalvagedTable {
  const writes: FoundWrite[] = []
  const end = Math.max(0, table.length - FOOTER_BYTES)
  for (let offset = 0; offset < end; ) {
    const length = lengthOfBlock(table.subarray(offset, end))
    if (length === undefined || !isWhole(table, { offset, length })) break
    writes.push(...writesIn(table.subarray(offset, offset + length), true))
    offset += length + TRAILER_BYTES
  }
  // Whether that was all only the bounds of the table can tell.
  return { writes, lost: [{ after: writes.at(-1)?.key, last: undefined }] }
}

function lengthOfBlock(bytes: Buffer): number | undefined {
  const reader = levelReader(bytes)
  let entries = 0
  let at = 0
  for (;;) {
    const [shared, unshared, length] = [reader.varint(), reader.varint(), reader.varint()]
    if (shared === undefined || unshared === undefined || length === undefined) return undefined
    if (shared === 0 && unshared === 0) break
    if (!reader.bytes(unshared) || !reader.bytes(length)) return undefined
    at += varintBytes(shared) + varintBytes(unshared) + varintBytes(length) + unshared + length
    entries++
  }
  const restarts = Math.max(1, Math.ceil(entries / RESTART_INTERVAL))
  const blockBytes = at + 4 * restarts + 4
  if (blockBytes > bytes.length || bytes.readUInt32LE(blockBytes - 4) !== restarts) return undefined
  return blockBytes
}

const varintBytes = (value: number): number => (value < 0x80 ? 1 : 1 + varintBytes(Math.floor(value / 0x80)))

/** Of a damaged block as far as its entries can be told from one another, again behind each place where a whole key stands. */
function writesIn(block: Buffer, sure: boolean): FoundWrite[] {
  if (sure) return [...run(block, sure)]
  const restarts = restartsOf(block)
  return restarts.flatMap((start, index) => [
    ...run(block.subarray(0, restarts[index + 1] ?? block.length), sure, start),
  ])
}

/** Offsets at which an entry begins that has its whole key; 0 when the block does not say. */
function restartsOf(block: Buffer): number[] {
  const count = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4)
  const from = block.length - 4 * (count + 1)
  if (count < 1 || from < 0) return [0]
  const offsets = Array.from({ length: count }, (_, index) => block.readUInt32LE(from + 4 * index))
  const ascending = offsets.every((offset, index) => offset < from && offset > (offsets[index - 1] ?? -1))
  return ascending ? offsets : [0]
}

function* run(block: Buffer, sure: boolean, start = 0): Generator<FoundWrite> {
  let stored: Buffer = Buffer.alloc(0)
  const entries = start === 0 && sure ? entriesIn(block) : entriesFrom(block, start)
  for (const entry of entries) {
    if (!entry || entry.shared > stored.length) return
    stored = Buffer.concat([stored.subarray(0, entry.shared), entry.rest])
    if (stored.length <= NUMBER_BYTES) return
    const packed = stored.readBigUInt64LE(stored.length - NUMBER_BYTES)
    const key = stored.subarray(0, -NUMBER_BYTES)
    yield { key, number: packed >> 8n, value: (packed & 0xffn) === PUT ? entry.value : undefined, sure }
  }
}

function* entriesFrom(block: Buffer, start: number) {
  const reader = levelReader(block.subarray(start))
  while (!reader.atEnd()) {
    const [shared, unshared, length] = [reader.varint(), reader.varint(), reader.varint()]
    const rest = reader.bytes(unshared)
    const value = reader.bytes(length)
    if (shared === undefined || rest === undefined || value === undefined) return
    yield { shared, rest, value }
  }
}
