import { crc32 } from 'node:zlib'

/**
 * A pack is a run of records, each a header of 16 bytes and the blob's bytes. docs/storage-format.md is normative.
 *
 * | 0..3 | 4       | 5     | 6..7 | 8..11          | 12..15                                         |
 * | CFPK | version | state | zero | length of blob | CRC-32 of bytes 0..11, the state taken as zero |
 *
 * All numbers are big-endian. The state is the one byte that ever changes: 0 is live, 0xFF is removed.
 */
export const PACK_HEADER_BYTES = 16
export const STATE_OFFSET = 5
export const REMOVED = Buffer.of(0xff)

const MAGIC = Buffer.from('CFPK')
const VERSION = 1

export interface PackHeader {
  readonly lengthBytes: number
  readonly live: boolean
}

export function encodePackHeader(lengthBytes: number): Buffer {
  const header = Buffer.alloc(PACK_HEADER_BYTES)
  header.set(MAGIC, 0)
  header[4] = VERSION
  header.writeUInt32BE(lengthBytes, 8)
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12)
  return header
}

/** Undefined when the bytes at `at` are no header. A state that is neither value counts as live: damage must not remove. */
export function decodePackHeader(bytes: Buffer, at = 0): PackHeader | undefined {
  if (bytes.length < at + PACK_HEADER_BYTES) return undefined
  const lengthBytes = bytes.readUInt32BE(at + 8)
  const expected = encodePackHeader(lengthBytes)
  const live = bytes[at + STATE_OFFSET] !== REMOVED[0]
  expected.set(bytes.subarray(at + STATE_OFFSET, at + STATE_OFFSET + 1), STATE_OFFSET)
  return expected.equals(bytes.subarray(at, at + PACK_HEADER_BYTES)) ? { lengthBytes, live } : undefined
}
