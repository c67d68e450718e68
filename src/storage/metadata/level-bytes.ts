import { crc32c } from '@node-rs/crc32'

/** As LevelDB stores checksums: CRC-32C, turned right by 15 bits, plus a constant. */
export const maskedChecksum = (bytes: Buffer): number => masked(crc32c(bytes))

const masked = (sum: number): number => (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0

/** Is this the masked checksum of the first bytes, of however many? */
export function isChecksumOfBeginning(bytes: Buffer, checksum: number): boolean {
  let sum = 0
  for (let at = 0; at < bytes.length; at++) {
    sum = crc32c(bytes.subarray(at, at + 1), sum)
    if (masked(sum) === checksum) return true
  }
  return false
}

/** Reads LevelDB's encodings one after another; undefined from where the bytes end too soon. */
export interface LevelReader {
  readonly atEnd: () => boolean
  /** Seven bits a byte, the lowest first. Exact up to 2^53; undefined for one that does not end within ten bytes. */
  readonly varint: () => number | undefined
  readonly bytes: (length: number | undefined) => Buffer | undefined
}

const MAX_VARINT_BYTES = 10

export function levelReader(source: Buffer): LevelReader {
  let at = 0
  const varint = (): number | undefined => {
    let value = 0
    let scale = 1
    for (const end = Math.min(source.length, at + MAX_VARINT_BYTES); at < end; scale *= 0x80) {
      const byte = source[at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return undefined
  }
  return {
    atEnd: () => at >= source.length,
    varint,
    bytes: (length) => {
      if (length === undefined || length > source.length - at) return undefined
      at += length
      return source.subarray(at - length, at)
    },
  }
}
