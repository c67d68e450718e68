import { readFile } from 'node:fs/promises'
import { OPS, type Op } from './shim.ts'

/** One call that succeeded, in the order of their ends. */
export interface JournalEntry {
  readonly op: Op
  /** Of an `open` or a `look`. */
  readonly creates: boolean
  readonly empties: boolean
  /** Below the root. */
  readonly path: string
  /** New name of what was renamed or linked. */
  readonly path2: string
  readonly place: string
  readonly sequence: number
  /** Of a sync: it made durable what was done to the file up to here. */
  readonly upTo: number
  /** Which opening the descriptor is of. */
  readonly opened: number
  /** Of a write; of a truncation the length. */
  readonly offset: number
  readonly data: Buffer
}

const HEAD_BYTES = 48

/** What the library wrote down; an entry that the end of the process cut off is left out. */
export async function readJournal(file: string): Promise<readonly JournalEntry[]> {
  const bytes = await readFile(file)
  const entries: JournalEntry[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < HEAD_BYTES || at + length > bytes.length) break
    entries.push(decode(bytes.subarray(at, at + length)))
    at += length
  }
  return entries
}

function decode(bytes: Buffer): JournalEntry {
  let at = HEAD_BYTES
  const take = (length: number): Buffer => {
    at += length
    return bytes.subarray(at - length, at)
  }
  const flags = bytes.readUInt8(5)
  const op = OPS[bytes.readUInt8(4)]
  if (op === undefined) throw new RangeError('the journal is damaged')
  return {
    op,
    creates: (flags & 1) !== 0,
    empties: (flags & 2) !== 0,
    path: take(bytes.readUInt16LE(6)).toString(),
    path2: take(bytes.readUInt16LE(8)).toString(),
    place: take(bytes.readUInt16LE(10)).toString(),
    sequence: Number(bytes.readBigUInt64LE(16)),
    upTo: Number(bytes.readBigUInt64LE(24)),
    opened: Number(bytes.readBigUInt64LE(32)),
    offset: Number(bytes.readBigInt64LE(40)),
    data: take(bytes.readUInt32LE(12)),
  }
}
