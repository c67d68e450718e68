import { damaged } from '../errors.ts'
import { levelReader, maskedCrc } from './encoding.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export interface LogRecord {
  readonly offset: number
  readonly data: Buffer
}

export interface LogContents {
  readonly records: readonly LogRecord[]
  /** Where the last whole record ends. */
  readonly end: number
}

/**
 * LevelDB's log: blocks of 32 KiB with parts of records, each `u32le masked CRC-32C of type and data ‖ u16le length ‖ type ‖
 * data`. Up to the first bytes that are none: what is behind `end` was cut off by a crash, or is damage.
 */
export function readLog(bytes: Buffer): LogContents {
  const records: LogRecord[] = []
  let parts: Buffer[] = []
  let begun = 0
  let end = 0
  for (let at = 0; at < bytes.length; ) {
    const room = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (room < HEADER_BYTES) {
      at += room
      continue
    }
    const part = partAt(bytes, at, room)
    if (part === undefined) break
    const { type, data } = part
    if (type === FULL || type === FIRST) {
      parts = []
      begun = at
    } else if (parts.length === 0) break
    parts.push(data)
    at += HEADER_BYTES + data.length
    if (type !== FULL && type !== LAST) continue
    records.push({ offset: begun, data: Buffer.concat(parts) })
    parts = []
    end = at
  }
  return { records, end }
}

function partAt(bytes: Buffer, at: number, room: number): { readonly type: number; readonly data: Buffer } | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined
  const length = bytes.readUInt16LE(at + 4)
  const type = bytes[at + 6] ?? 0
  const from = at + HEADER_BYTES
  if (type < FULL || type > LAST || HEADER_BYTES + length > room || from + length > bytes.length) return undefined
  const data = bytes.subarray(from, from + length)
  return bytes.readUInt32LE(at) === maskedCrc(Buffer.of(type), data) ? { type, data } : undefined
}

/** A row as LevelDB has it: written, or deleted. Of two with one key the one with the higher sequence counts. */
export interface LevelEntry {
  readonly key: Buffer
  readonly sequence: number
  /** Undefined: deleted. */
  readonly value: Buffer | undefined
}

/** What a record of a log, a batch, writes: `u64le first sequence ‖ u32le count`, then each row. Throws Damaged. */
export function readBatch(data: Buffer, what: string): LevelEntry[] {
  const source = levelReader(data, what)
  const head = source.bytes(12)
  const first = Number(head.readBigUInt64LE(0))
  const count = head.readUInt32LE(8)
  // Before there is room made for them: a row takes two bytes at least.
  if (count > data.length / 2) throw damaged(`${what} has fewer rows than it says`)
  const entries = Array.from({ length: count }, (_, index) => {
    const isDeleted = source.byte() === 0
    return { key: source.text(), sequence: first + index, value: isDeleted ? undefined : source.text() }
  })
  if (!source.atEnd()) throw damaged(`a batch of ${what} is longer than it says`)
  return entries
}
