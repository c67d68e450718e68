import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { damaged } from '../errors.ts'
import { levelReader, maskedCrc } from './encoding.ts'
import type { LevelEntry } from './log-file.ts'
import { MAX_BLOCK_BYTES, unsnappy } from './snappy.ts'

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block: its type and a checksum. */
const TRAILER_BYTES = 5
const INTERNAL_BYTES = 8

interface Handle {
  readonly offset: number
  readonly length: number
}

export interface TableFile {
  /** How many bytes of the file belong to a block or are its end: all of them, where nothing was put between. */
  readonly coveredBytes: number
  /** In the order of keys, the newest of one key first; from the first whose key is not before `from`. Throws Damaged. */
  readonly entries: (from?: Buffer) => Generator<LevelEntry>
  readonly close: () => void
}

/** LevelDB's table: blocks of rows, and at the end the handle of a block that names them. Throws Damaged. */
export function openTable(path: string): TableFile {
  const file = openSync(path, 'r')
  try {
    return tableIn(file, path)
  } catch (error) {
    closeSync(file)
    throw error
  }
}

function tableIn(file: number, path: string): TableFile {
  const { size } = fstatSync(file)
  const read = (offset: number, length: number): Buffer => {
    if (offset + length > size) throw damaged(`${path} is shorter than it says`)
    const bytes = Buffer.alloc(length)
    if (readSync(file, bytes, 0, length, offset) !== length) throw damaged(`${path} could not be read whole`)
    return bytes
  }
  const block = ({ offset, length }: Handle): Buffer => {
    const what = `the block at ${offset} of ${path}`
    const stored = read(offset, length + TRAILER_BYTES)
    const covered = stored.subarray(0, length + 1)
    if (stored.readUInt32LE(length + 1) !== maskedCrc(covered)) throw damaged(`the checksum of ${what} does not fit`)
    return decompress(stored[length] ?? 0, stored.subarray(0, length), what)
  }
  if (size < FOOTER_BYTES) throw damaged(`${path} is no table`)
  const footer = read(size - FOOTER_BYTES, FOOTER_BYTES)
  if (!footer.subarray(-MAGIC.length).equals(MAGIC)) throw damaged(`${path} is no table: it does not end like one`)
  const footerReader = levelReader(footer, `the footer of ${path}`)
  const others = [readHandle(footerReader), readHandle(footerReader)]
  const [metaindex, indexAt] = others
  if (!metaindex || !indexAt) throw damaged(`${path} is no table`)
  others.push(...handlesIn(block(metaindex), path))
  const index = [...entriesOf(block(indexAt), `the index of ${path}`)].map(({ key, value }) => ({
    last: key.subarray(0, -INTERNAL_BYTES),
    handle: readHandle(levelReader(value, `the index of ${path}`)),
  }))
  return {
    coveredBytes: FOOTER_BYTES + lengthOfUnion([...others, ...index.map(({ handle }) => handle)]),
    entries: function* (from) {
      for (const { last, handle } of index) {
        if (from && last.compare(from) < 0) continue
        for (const entry of entriesOf(block(handle), `the block at ${handle.offset} of ${path}`)) {
          const row = rowOf(entry.key, entry.value, path)
          if (!from || row.key.compare(from) >= 0) yield row
        }
      }
    },
    close: () => closeSync(file),
  }
}

/** Blocks that lie in one another count once: what is between them is in none. */
function lengthOfUnion(blocks: readonly Handle[]): number {
  let covered = 0
  let end = 0
  for (const { offset, length } of blocks.toSorted((a, b) => a.offset - b.offset)) {
    const next = offset + length + TRAILER_BYTES
    covered += Math.max(0, next - Math.max(offset, end))
    end = Math.max(end, next)
  }
  return covered
}

/** Of filters, if there are any. */
const handlesIn = (metaindex: Buffer, path: string): Handle[] =>
  [...entriesOf(metaindex, `the metaindex of ${path}`)].map(({ value }) => readHandle(levelReader(value, path)))

const readHandle = ({ varint }: { readonly varint: () => number }): Handle => ({ offset: varint(), length: varint() })

function decompress(type: number, stored: Buffer, what: string): Buffer {
  if (type === 0) return stored
  if (type === 1) return unsnappy(stored, what)
  if (type !== 2) throw damaged(`${what} is compressed in a way (${type}) that is not known`)
  try {
    return zstdDecompressSync(stored, { maxOutputLength: MAX_BLOCK_BYTES })
  } catch {
    throw damaged(`${what} cannot be decompressed`)
  }
}

/** Each `shared ‖ unshared ‖ length` as varints, the rest of the key, the value; then where restarts are. */
function* entriesOf(block: Buffer, what: string): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
  const restarts = block.length < 4 ? -1 : block.readUInt32LE(block.length - 4)
  const end = block.length - 4 * (restarts + 1)
  if (restarts < 0 || end < 0) throw damaged(`${what} is no block`)
  const source = levelReader(block.subarray(0, end), what)
  let key: Buffer = Buffer.alloc(0)
  while (!source.atEnd()) {
    const [shared, unshared, length] = [source.varint(), source.varint(), source.varint()]
    if (shared > key.length) throw damaged(`${what} shares more of a key than there is`)
    key = Buffer.concat([key.subarray(0, shared), source.bytes(unshared)])
    yield { key, value: source.bytes(length) }
  }
}

/** Keys end with `u64le (sequence << 8 | type)`. */
function rowOf(internal: Buffer, value: Buffer, path: string): LevelEntry {
  const at = internal.length - INTERNAL_BYTES
  if (at < 0) throw damaged(`${path} has a key that is too short`)
  const tail = internal.readBigUInt64LE(at)
  const isDeleted = (tail & 0xffn) === 0n
  return { key: internal.subarray(0, at), sequence: Number(tail >> 8n), value: isDeleted ? undefined : value }
}
