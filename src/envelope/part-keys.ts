import { lengthPrefixed } from '../base/bytes.ts'
import type { Dek } from './dek.ts'
import { encodeHeader, PREFIX_BYTES } from './header.ts'
import { derivePair } from './hkdf.ts'
import { publicSha256 } from './sha256.ts'

/** What a sealed part belongs to. Any other bucket, key, upload or part number fails before the first byte. */
export interface PartIdentity {
  readonly bucketId: string
  /** Object key, as decoded from strict UTF-8. */
  readonly key: string
  /** 16 bytes, new for every upload. */
  readonly blobId: Buffer
  /** 0, or 1 … 10000 for a part of a multipart upload. */
  readonly partNumber: number
  /** contextDigest(bucketId, key), when the caller has it at hand. */
  readonly context?: Buffer
}

export interface PartKeys {
  /** The first 48 bytes of the stored part. */
  readonly prefix: Buffer
  readonly context: Buffer
  readonly key: Buffer
  readonly commitment: Buffer
}

const CONTEXT_LABEL = Buffer.from('OEF1/ctx\0', 'latin1')
const SEGMENT_LABEL = Buffer.from('OEF1/seg\0', 'latin1')
const COMMITMENT_LABEL = Buffer.from('OEF1/cmt\0', 'latin1')

/** SHA-256("OEF1/ctx\0" ‖ LP(bucketId) ‖ LP(key)): where an object lives, in 32 bytes. */
export function contextDigest(bucketId: string, key: string): Buffer {
  return publicSha256(Buffer.concat([CONTEXT_LABEL, lengthPrefixed(bucketId), lengthPrefixed(key)]))
}

/** A fresh salt for each attempt gives each attempt its own key, so counter nonces cannot meet. */
export function partKeys(dek: Dek, identity: PartIdentity, partSalt: Buffer, segmentSize: number): PartKeys {
  const { blobId, partNumber } = identity
  const prefix = encodeHeader({ blobId, partNumber, partSalt, segmentSize })
  const context = identity.context ?? contextDigest(identity.bucketId, identity.key)
  const info = (label: Buffer) => Buffer.concat([label, prefix, context], label.length + PREFIX_BYTES + context.length)
  const [key, commitment] = derivePair(dek.bytes, partSalt, info(SEGMENT_LABEL), info(COMMITMENT_LABEL))
  return { prefix, context, key, commitment }
}
