import { maskedChecksum } from '../../src/storage/metadata/level-bytes.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7

/** A whole part of LevelDB's log: 1 is all of a record, 2, 3 and 4 are its first, a middle and its last part. */
export function logPart(type: number, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.of(type), data])
  const header = Buffer.alloc(HEADER_BYTES - 1)
  header.writeUInt32LE(maskedChecksum(body))
  header.writeUInt16LE(data.length, 4)
  return Buffer.concat([header, body])
}

/** As LevelDB writes records: in parts that end with the blocks. */
export function logOf(records: readonly Buffer[]): Buffer {
  const written: Buffer[] = []
  let length = 0
  const write = (bytes: Buffer): void => {
    written.push(bytes)
    length += bytes.length
  }
  for (const record of records) {
    for (let at = 0, begun = false; !begun || at < record.length; begun = true) {
      const room = BLOCK_BYTES - (length % BLOCK_BYTES)
      if (room < HEADER_BYTES) write(Buffer.alloc(room))
      const left = BLOCK_BYTES - (length % BLOCK_BYTES) - HEADER_BYTES
      const data = record.subarray(at, at + left)
      at += data.length
      const ends = at === record.length
      if (begun) write(logPart(ends ? 4 : 3, data))
      else write(logPart(ends ? 1 : 2, data))
    }
  }
  return Buffer.concat(written)
}
