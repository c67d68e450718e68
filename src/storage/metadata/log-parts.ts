import { maskedChecksum } from './level-bytes.ts'

/**
 * LevelDB's log: blocks of 32 KiB; in them `u32le masked CRC-32C of type and data ‖ u16le length ‖ type ‖ data`, and up to
 * six bytes of nothing before the end of a block. A batch is one FULL part, or FIRST, MIDDLE … and LAST.
 */
const BLOCK_BYTES = 32 * 1024
export const PART_HEADER_BYTES = 7
export const FULL = 1
export const FIRST = 2
export const LAST = 4

export interface LogPart {
  readonly offset: number
  /** Undefined: what stands here is no part of a batch. */
  readonly type: number | undefined
  readonly data: Buffer
}

const NOTHING = Buffer.alloc(0)

/** What a log consists of. After bytes that are none each following byte may begin the next: lengths cannot be believed. */
export function* logParts(bytes: Buffer): Generator<LogPart> {
  let searching = false
  for (let offset = 0; offset < bytes.length; ) {
    const blockEnd = (Math.floor(offset / BLOCK_BYTES) + 1) * BLOCK_BYTES
    if (blockEnd - offset < PART_HEADER_BYTES) {
      offset = blockEnd
      continue
    }
    const length = partLength(bytes, offset, Math.min(blockEnd, bytes.length))
    if (length !== undefined) {
      yield { offset, type: bytes[offset + 6], data: bytes.subarray(offset + PART_HEADER_BYTES, offset + length) }
      searching = false
      offset += length
      continue
    }
    if (!searching) yield { offset, type: undefined, data: NOTHING }
    searching = true
    offset++
  }
}

/** Header included; undefined when none stands here. */
function partLength(bytes: Buffer, offset: number, end: number): number | undefined {
  if (end - offset < PART_HEADER_BYTES) return undefined
  const type = bytes[offset + 6] ?? 0
  const dataEnd = offset + PART_HEADER_BYTES + bytes.readUInt16LE(offset + 4)
  if (type < FULL || type > LAST || dataEnd > end) return undefined
  return bytes.readUInt32LE(offset) === maskedChecksum(bytes.subarray(offset + 6, dataEnd))
    ? dataEnd - offset
    : undefined
}
