import { isChecksumOfBeginning, type LevelReader, levelReader } from './level-bytes.ts'
import { FIRST, FULL, LAST, logParts, PART_HEADER_BYTES } from './log-parts.ts'

/** What a manifest says that a store consists of. */
export interface LevelManifest {
  /** Logs with smaller numbers are in the tables. 0 when that is not known. */
  readonly logNumber: number
  /** Number of each table in use → its length in bytes. Others wait to be deleted, or were being written. */
  readonly tables: ReadonlyMap<number, number>
  /** Of each of these tables: its level, of which a lower one is newer, and its first and last key as rows have them. */
  readonly bounds: ReadonlyMap<number, TableBounds>
  /** Where it is no manifest any more, before its end; undefined where all of it was read. */
  readonly damagedAt: number | undefined
}

export interface TableBounds {
  readonly level: number
  readonly first: Buffer
  readonly last: Buffer
}

interface State {
  logNumber: number
  readonly tables: Map<number, number>
  readonly bounds: Map<number, TableBounds>
}

/** Up to where it makes sense; whether it is whole LevelDB finds out. */
export function decodeManifest(bytes: Buffer): LevelManifest {
  const state: State = { logNumber: 0, tables: new Map(), bounds: new Map() }
  const edits = editsIn(bytes)
  for (;;) {
    const { done, value } = edits.next()
    if (done) return { ...state, damagedAt: value }
    applyEdit(levelReader(value), state)
  }
}

/** Tables' bounds are names that clients chose: nothing behind damage may be taken for an edit. Returns where that is. */
function* editsIn(bytes: Buffer): Generator<Buffer, number | undefined> {
  let parts: Buffer[] = []
  for (const { offset, type, data } of logParts(bytes)) {
    if (type === undefined) return isUnfinished(bytes, offset) ? undefined : offset
    if (type === FULL || type === FIRST) parts = []
    parts.push(data)
    if (type === FULL || type === LAST) yield Buffer.concat(parts)
  }
  return undefined
}

/**
 * May what stands here be what was never written to its end? LevelDB goes by what is before it, then. Not if it is whole but for
 * its length: LevelDB believes that, passes over all that follows, and then knows nothing of the tables that are named there. What stands
 * behind it proves nothing: bounds of tables are names that clients chose, and may look like parts.
 */
function isUnfinished(bytes: Buffer, offset: number): boolean {
  const rest = bytes.subarray(offset)
  if (rest.every((byte) => byte === 0)) return true
  if (rest.length < PART_HEADER_BYTES) return true
  if (PART_HEADER_BYTES + rest.readUInt16LE(4) <= rest.length) return false
  // The checksum is of the type and the data.
  return !isChecksumOfBeginning(rest.subarray(PART_HEADER_BYTES - 1), rest.readUInt32LE(0))
}

const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE_NUMBER = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9

function applyEdit(reader: LevelReader, state: State): void {
  while (!reader.atEnd()) if (!applyField(reader, state)) return
}

/** False for what is no field: the rest of the edit cannot be read then. */
function applyField(reader: LevelReader, state: State): boolean {
  const key = (): Buffer | undefined => reader.bytes(reader.varint())
  const level = reader.varint
  switch (reader.varint()) {
    case COMPARATOR:
      return key() !== undefined
    case LOG_NUMBER:
      state.logNumber = reader.varint() ?? state.logNumber
      return true
    case NEXT_FILE_NUMBER:
    case LAST_SEQUENCE:
    case PREVIOUS_LOG_NUMBER:
      return reader.varint() !== undefined
    case COMPACT_POINTER:
      level()
      return key() !== undefined
    case DELETED_FILE:
      level()
      deleteTable(state, reader.varint() ?? 0)
      return true
    case NEW_FILE: {
      const tableLevel = level()
      const number = reader.varint()
      const lengthBytes = reader.varint()
      const [first, last] = [key(), key()]
      if (first === undefined || last === undefined || number === undefined || lengthBytes === undefined) return false
      state.tables.set(number, lengthBytes)
      state.bounds.set(number, { level: tableLevel ?? 0, first: rowKeyOf(first), last: rowKeyOf(last) })
      return true
    }
    default:
      return false
  }
}

function deleteTable(state: State, number: number): void {
  state.tables.delete(number)
  state.bounds.delete(number)
}

/** Behind each key LevelDB has its number of the write and what the write did. */
const NUMBER_BYTES = 8
const rowKeyOf = (key: Buffer): Buffer => Buffer.from(key.subarray(0, Math.max(0, key.length - NUMBER_BYTES)))
