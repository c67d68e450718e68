import type { Dek } from './dek.ts'
import { type PartIdentity, type PartSealer, sealPart } from './seal.ts'
import { sealedLength } from './segment.ts'

/** What seals the parts of an object: its DEK, and a second, independent key where there is a second layer around that. */
export interface LayerKeys {
  readonly dek: Dek
  readonly outer?: Dek | undefined
}

export interface LayeredSealer extends PartSealer {
  /** Stored bytes of so much plaintext. */
  readonly storedLength: (plainBytes: number) => number
}

/** A part in one layer, or in two: the second one seals what the first one made, under the same identity and salt. */
export function sealLayers({ dek, outer }: LayerKeys, identity: PartIdentity, partSalt?: Buffer): LayeredSealer {
  const inner = sealPart(dek, identity, partSalt)
  const around = outer && sealPart(outer, identity, inner.partSalt)
  return {
    partSalt: inner.partSalt,
    stream: (plaintext) => (around ? around.stream(inner.stream(plaintext)) : inner.stream(plaintext)),
    bytes: (plaintext) => (around ? around.bytes(inner.bytes(plaintext)) : inner.bytes(plaintext)),
    get plainLength() {
      return inner.plainLength
    },
    storedLength: (plainBytes) => (around ? sealedLength(sealedLength(plainBytes)) : sealedLength(plainBytes)),
  }
}
