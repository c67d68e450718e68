import type { NonceSource, RecordCipher } from '../base/nonces.ts'
import { type Dek, newDek } from '../envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyUse, WrapContext, WrappedDek } from '../envelope/key-provider.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import type { BucketRecord } from './records.ts'

/** Bound into each wrap, so that a wrapped key opens only for the bucket and the envelope it was made for. */
export const dekContext = (bucketId: string, blobId: Buffer): WrapContext => [
  'oef1',
  'dek',
  bucketId,
  blobId.toString('hex'),
]
export const metadataKeyContext = (bucketId: string): WrapContext => ['oef1', 'bmk', bucketId]

export const keyCall = (bucket: Pick<BucketRecord, 'rootKeyCrn' | 'serviceInstanceCrn'>): KeyCall => ({
  rootKeyCrn: bucket.rootKeyCrn,
  serviceInstanceCrn: bucket.serviceInstanceCrn,
})

/** Keys of a bucket's objects. Each call reaches the key provider: nothing is opened that the root key does not allow now. */
export interface BucketKeys {
  readonly newDek: (
    bucket: BucketRecord,
    blobId: Buffer,
  ) => Promise<{ readonly dek: Dek; readonly wrapped: WrappedDek }>
  readonly unwrapDek: (bucket: BucketRecord, blobId: Buffer, wrapped: WrappedDek) => Promise<Dek>
  /** Throws while the root key may not be used so: 'wrap' to store, 'unwrap' to read what is stored. */
  readonly permit: (bucket: BucketRecord, use: KeyUse) => Promise<void>
  /**
   * Cipher of the bucket metadata key: seals and opens summaries. Throws while the root key may not be used. Dispose it:
   * only the key provider keeps keys, by its own rules of how long.
   */
  readonly summaryCipher: (bucket: BucketRecord) => Promise<RecordCipher & Disposable>
}

/** Of one use: a page of a listing meets few. */
const CACHED_EPOCHS = 64

export function bucketKeys(provider: KeyProvider, nonces: NonceSource): BucketKeys {
  return {
    newDek: async (bucket, blobId) => {
      const dek = newDek()
      try {
        return { dek, wrapped: await provider.wrap(keyCall(bucket), dek, dekContext(bucket.id, blobId)) }
      } catch (error) {
        dek[Symbol.dispose]()
        throw error
      }
    },
    unwrapDek: async (bucket, blobId, wrapped) =>
      (await provider.unwrap(keyCall(bucket), wrapped, dekContext(bucket.id, blobId))).dek,
    permit: (bucket, use) => provider.permit(keyCall(bucket), use),
    summaryCipher: async (bucket) => {
      const { dek } = await provider.unwrap(keyCall(bucket), bucket.metadataKey, metadataKeyContext(bucket.id))
      const cipher = recordCipher(dek.bytes, nonces, 'OEF1/idx', { cachedEpochs: CACHED_EPOCHS })
      return {
        ...cipher,
        [Symbol.dispose]: () => {
          cipher[Symbol.dispose]()
          dek[Symbol.dispose]()
        },
      }
    },
  }
}
