import { CodedError } from '../../base/errors.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'

/** A key and its value as the database has them, the space before the key. */
export type StoredPair = readonly [key: Buffer, value: Buffer]

/** What a store held at one moment. Dispose it: as long as it lives the store keeps what it shows. */
export interface StoredRows extends AsyncDisposable {
  /** All pairs in the order of their keys, some at a time. */
  readonly pages: () => AsyncIterable<readonly StoredPair[]>
}

const HEAD_BYTES = 6

/** `u16(length of key) ‖ u32(length of value) ‖ key ‖ value`, one pair after the other. */
export function encodePairs(pairs: readonly StoredPair[]): Buffer {
  const out = Buffer.allocUnsafe(pairs.reduce((sum, pair) => sum + pairBytes(pair), 0))
  let at = 0
  for (const [key, value] of pairs) {
    out.writeUInt16BE(key.length, at)
    out.writeUInt32BE(value.length, at + 2)
    out.set(key, at + HEAD_BYTES)
    out.set(value, at + HEAD_BYTES + key.length)
    at += HEAD_BYTES + key.length + value.length
  }
  return out
}

export const pairBytes = ([key, value]: StoredPair): number => HEAD_BYTES + key.length + value.length

/** The pairs that begin and end in `bytes`, and what is left over behind them. */
export function decodePairs(bytes: Buffer): { readonly pairs: StoredPair[]; readonly rest: Buffer } {
  const pairs: StoredPair[] = []
  let at = 0
  while (at + HEAD_BYTES <= bytes.length) {
    const keyEnd = at + HEAD_BYTES + bytes.readUInt16BE(at)
    const valueEnd = keyEnd + bytes.readUInt32BE(at + 2)
    if (valueEnd > bytes.length) break
    pairs.push([bytes.subarray(at + HEAD_BYTES, keyEnd), bytes.subarray(keyEnd, valueEnd)])
    at = valueEnd
  }
  return { pairs, rest: bytes.subarray(at) }
}

/** Of a stream of them, however it is cut. Throws MetadataCorrupt when it ends within a pair. */
export async function* pairsOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<StoredPair[]> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    const decoded = decodePairs(rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]))
    rest = decoded.rest
    if (decoded.pairs.length > 0) yield decoded.pairs
  }
  if (rest.length > 0) {
    throw new CodedError<MetadataStoreErrorCode>('MetadataCorrupt', 'rows of a store end within one of them')
  }
}
