import { damaged } from '../errors.ts'

/** CRC-32C, as LevelDB stores it: turned right by 15 bits, plus a constant. */
export function maskedCrc(...pieces: readonly Uint8Array[]): number {
  let crc = 0xffffffff
  // By index: an iterator takes several times as long, and tables are read whole.
  for (const piece of pieces)
    for (let at = 0; at < piece.length; at++) crc = (CRC_TABLE[(crc ^ (piece[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  const sum = ~crc >>> 0
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc >>> 0
})

export interface LevelReader {
  readonly atEnd: () => boolean
  readonly byte: () => number
  /** Seven bits a byte, the lowest first. */
  readonly varint: () => number
  readonly bytes: (length: number) => Buffer
  /** Preceded by its length. */
  readonly text: () => Buffer
}

/** Reads LevelDB's encodings one after another. Throws Damaged where the bytes end too soon. */
export function levelReader(source: Buffer, what: string): LevelReader {
  let at = 0
  const byte = (): number => {
    const value = source[at++]
    if (value === undefined) throw damaged(`${what} ends too soon`)
    return value
  }
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const next = byte()
      value += (next & 0x7f) * scale
      if (next < 0x80) return value
      if (scale > 2 ** 56) throw damaged(`${what} has a number that does not end`)
    }
  }
  const bytes = (length: number): Buffer => {
    if (length > source.length - at) throw damaged(`${what} ends too soon`)
    at += length
    return source.subarray(at - length, at)
  }
  return { atEnd: () => at >= source.length, byte, varint, bytes, text: () => bytes(varint()) }
}
