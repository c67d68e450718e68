import { hasCode } from '../base/errors.ts'
import type { NonceSource, RecordCipher } from '../base/nonces.ts'
import { type Dek, newDek } from '../envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyUse, WrapContext, WrappedDek } from '../envelope/key-provider.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import type { Asker, DataKeyAudit, DataKeyUse } from './data-key-audit.ts'
import type { BucketRecord } from './records.ts'

/** Bound into each wrap, so that a wrapped key opens only for the bucket and the envelope it was made for. */
export const dekContext = (bucketId: string, blobId: Buffer): WrapContext => [
  'oef1',
  'dek',
  bucketId,
  blobId.toString('hex'),
]
export const metadataKeyContext = (bucketId: string): WrapContext => ['oef1', 'bmk', bucketId]

export const keyCall = (bucket: KeyedBucket, { requestId }: Pick<Asker, 'requestId'> = {}): KeyCall => ({
  rootKeyCrn: bucket.rootKeyCrn,
  serviceInstanceCrn: bucket.serviceInstanceCrn,
  ...(requestId === undefined ? {} : { requestId }),
})

type KeyedBucket = Pick<BucketRecord, 'name' | 'rootKeyCrn' | 'serviceInstanceCrn'>

/**
 * Keys of a bucket's objects, for one asker. Each call reaches the key provider: nothing is opened that the root key does
 * not allow now. Each use of a data key is recorded, and throws AuditUnavailable when it cannot be; the use of one key for
 * one thing is recorded once in a request.
 */
export interface BucketKeys {
  /** `key`: of the object that it is for. */
  readonly newDek: (
    bucket: BucketRecord,
    key: string,
    blobId: Buffer,
  ) => Promise<{ readonly dek: Dek; readonly wrapped: WrappedDek }>
  readonly unwrapDek: (bucket: BucketRecord, key: string, blobId: Buffer, wrapped: WrappedDek) => Promise<Dek>
  /** The bucket metadata key of a new bucket, wrapped. */
  readonly newMetadataKey: (bucket: KeyedBucket, bucketId: string) => Promise<WrappedDek>
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

export interface BucketKeysOptions {
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly audit: DataKeyAudit
}

export function bucketKeys({ provider, nonces, audit }: BucketKeysOptions, asker: Asker): BucketKeys {
  const record = recorder(audit, asker)
  const recorded = around(audit, record)
  return {
    newDek: (bucket, key, blobId) =>
      recorded({ use: 'wrap', dataKey: 'object', bucket, key }, async () => {
        const dek = newDek()
        try {
          const wrapped = await provider.wrap(keyCall(bucket, asker), dek, dekContext(bucket.id, blobId))
          return { result: { dek, wrapped }, keyVersion: wrapped.keyVersion }
        } catch (error) {
          dek[Symbol.dispose]()
          throw error
        }
      }),
    unwrapDek: (bucket, key, blobId, wrapped) =>
      recorded({ use: 'unwrap', dataKey: 'object', bucket, key, keyVersion: wrapped.keyVersion }, async () => {
        const { dek } = await provider.unwrap(keyCall(bucket, asker), wrapped, dekContext(bucket.id, blobId))
        return { result: dek }
      }),
    newMetadataKey: (bucket, bucketId) =>
      recorded({ use: 'wrap', dataKey: 'bucket-metadata', bucket }, async () => {
        using key = newDek()
        const result = await provider.wrap(keyCall(bucket, asker), key, metadataKeyContext(bucketId))
        return { result, keyVersion: result.keyVersion }
      }),
    permit: async (bucket, use) => {
      try {
        await provider.permit(keyCall(bucket, asker), use)
      } catch (error) {
        record({ use, dataKey: 'object', bucket }, codeOf(error))
        throw error
      }
    },
    summaryCipher: (bucket) =>
      recorded(
        { use: 'unwrap', dataKey: 'bucket-metadata', bucket, keyVersion: bucket.metadataKey.keyVersion },
        async () => {
          const call = keyCall(bucket, asker)
          const { dek } = await provider.unwrap(call, bucket.metadataKey, metadataKeyContext(bucket.id))
          const cipher = recordCipher(dek.bytes, nonces, 'OEF1/idx', { cachedEpochs: CACHED_EPOCHS })
          const dispose = () => {
            cipher[Symbol.dispose]()
            dek[Symbol.dispose]()
          }
          return { result: { ...cipher, [Symbol.dispose]: dispose } }
        },
      ),
  }
}

type Use = Pick<DataKeyUse, 'use' | 'dataKey' | 'key' | 'keyVersion'> & { readonly bucket: KeyedBucket }
type Record = (use: Use, code?: string) => void

/** A request that reads hundreds of parts, or writes under one bucket metadata key twice, says so once. */
function recorder(audit: DataKeyAudit, asker: Asker): Record {
  const seen = new Set<string>()
  return ({ use, dataKey, bucket, key, keyVersion }, code) => {
    const { name, rootKeyCrn, serviceInstanceCrn } = bucket
    if (asker.requestId !== undefined) {
      const same = `${use} ${dataKey} ${keyVersion} ${code} ${name} ${key}`
      if (seen.has(same)) return
      seen.add(same)
    }
    audit.record({
      ...{ asker, use, dataKey, bucket: name, rootKeyCrn, serviceInstanceCrn },
      ...(key === undefined ? {} : { key }),
      ...(keyVersion === undefined ? {} : { keyVersion }),
      ...(code === undefined ? {} : { code }),
    })
  }
}

type Act<Result> = () => Promise<{ readonly result: Result; readonly keyVersion?: string }>

const around =
  (audit: DataKeyAudit, record: Record) =>
  async <Result>(use: Use, act: Act<Result>): Promise<Result> => {
    audit.ready()
    try {
      const { result, keyVersion = use.keyVersion } = await act()
      record(keyVersion === undefined ? use : { ...use, keyVersion })
      return result
    } catch (error) {
      record(use, codeOf(error))
      throw error
    }
  }

const codeOf = (error: unknown): string => (hasCode(error) ? error.code : 'Unexpected')
