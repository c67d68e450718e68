import { damaged } from '../errors.ts'
import { levelReader } from './encoding.ts'

export const MAX_BLOCK_BYTES = 64 * 1024 * 1024
/** A copy of 64 bytes takes three. */
const MOST_BYTES_A_BYTE = 22

/** Snappy's format: the length, then literals and copies of what came before. Throws Damaged. */
export function unsnappy(compressed: Buffer, what: string): Buffer {
  const source = levelReader(compressed, what)
  const length = source.varint()
  if (length > Math.min(MAX_BLOCK_BYTES, compressed.length * MOST_BYTES_A_BYTE)) {
    throw damaged(`${what} says that it is larger than any block`)
  }
  const out = Buffer.alloc(length)
  let at = 0
  const little = (bytes: number): number => source.bytes(bytes).readUIntLE(0, bytes)
  const room = (count: number): void => {
    if (count > length - at) throw damaged(`${what} is longer than it says`)
  }
  const copy = (count: number, offset: number): void => {
    room(count)
    if (offset === 0 || offset > at) throw damaged(`${what} copies what is not there`)
    // Byte by byte: a copy may reach into itself.
    for (let index = 0; index < count; index++, at++) out[at] = out[at - offset] ?? 0
  }
  while (!source.atEnd()) {
    const tag = source.byte()
    const high = tag >>> 2
    if ((tag & 3) === 0) {
      const count = (high < 60 ? high : little(high - 59)) + 1
      room(count)
      source.bytes(count).copy(out, at)
      at += count
    } else if ((tag & 3) === 1) copy((high & 7) + 4, ((tag >>> 5) << 8) | source.byte())
    else copy(high + 1, little((tag & 3) === 2 ? 2 : 4))
  }
  if (at !== length) throw damaged(`${what} is shorter than it says`)
  return out
}
