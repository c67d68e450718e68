import { CodedError } from '../base/errors.ts'
import { uuidToBytes } from '../base/ids.ts'
import { type Dek, dekFrom } from './dek.ts'
import type { KeyProviderErrorCode, WrapContext } from './key-provider.ts'
import { keyRefOf, openSmall, SMALL_KIND, sealSmall } from './small-envelope.ts'

/** A key of a bucket that wraps DEKs in place of its root key, and its id: a UUID, the key reference of what it wraps. */
export interface BucketKey {
  readonly id: string
  /** 32 bytes. */
  readonly key: Dek
}

/** Bound into the wrap of a bucket key by its root key. */
export const bucketKeyContext = (bucketId: string, keyId: string): WrapContext => ['oef1', 'bkk', bucketId, keyId]

/** A small envelope of kind 3: every wrap has a key of its own, so none of them counts against the bucket key. */
export function wrapUnderBucketKey({ id, key }: BucketKey, dek: Dek, context: WrapContext, salt?: Buffer): Buffer {
  const sealing = { kind: SMALL_KIND.wrap, key: key.bytes, keyRef: uuidToBytes(id), context }
  return sealSmall(salt === undefined ? sealing : { ...sealing, salt }, dek.bytes)
}

/** Throws WrappedDekForged, as a key provider would. */
export function unwrapUnderBucketKey({ id, key }: BucketKey, wrapped: Buffer, context: WrapContext): Dek {
  try {
    if (!keyRefOf(wrapped).equals(uuidToBytes(id))) throw forgedWrap()
    const dek = dekFrom(openSmall({ kind: SMALL_KIND.wrap, key: key.bytes, context }, wrapped))
    if (dek.bytes.length === 32) return dek
    dek[Symbol.dispose]()
  } catch (cause) {
    throw forgedWrap(cause)
  }
  throw forgedWrap()
}

const forgedWrap = (cause?: unknown): CodedError<KeyProviderErrorCode> =>
  new CodedError('WrappedDekForged', 'a wrapped key does not open under its bucket key', { cause })
