import { hasCode } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import type { NonceSource, RecordCipher } from '../base/nonces.ts'
import { bucketKeyContext } from '../envelope/bucket-key.ts'
import { type Dek, type Kept, newDek } from '../envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyUse, WrapContext } from '../envelope/key-provider.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import { canaryUnder, newCanary } from './canary.ts'
import type { Asker, DataKeyAudit, DataKeyUse } from './data-key-audit.ts'
import { type KeyProofs, provenSlots } from './key-proofs.ts'
import { findSlot, type KeySlot, rootVersionOf, type StoredDek, slotOf } from './key-slots.ts'
import type { BucketRecord } from './records.ts'
import type { ForeignDek } from './replication/sealed-format.ts'
import { type SlotUse, slotCall, slotKeys } from './slot-keys.ts'
import { dekContext, metadataKeyContext } from './wrap-contexts.ts'

export const keyCall = (
  bucket: Pick<KeyedBucket, 'rootKeyCrn' | 'serviceInstanceCrn'>,
  { requestId, traceparent }: Pick<Asker, 'requestId' | 'traceparent'> = {},
): KeyCall => ({
  rootKeyCrn: bucket.rootKeyCrn,
  serviceInstanceCrn: bucket.serviceInstanceCrn,
  ...(requestId === undefined ? {} : { requestId }),
  ...(traceparent === undefined ? {} : { traceparent }),
})

type KeyedBucket = Pick<BucketRecord, 'name' | 'rootKeyCrn' | 'serviceInstanceCrn'>

/**
 * Keys of a bucket's objects, for one asker. Each call reaches the key provider: nothing is opened that the root key does
 * not allow now. Each use of a data key is recorded, and throws AuditUnavailable when it cannot be; the use of one key for
 * one thing is recorded once in a request.
 */
export interface BucketKeys {
  readonly asker: Asker
  /** `key`: of the object that it is for. Wrapped under the slot that wraps what is new, or another one. */
  readonly newDek: (
    bucket: BucketRecord,
    key: string,
    blobId: Buffer,
    slot?: number,
    encryptionContext?: string,
  ) => Promise<{ readonly dek: Dek; readonly wrapped: StoredDek }>
  /** A DEK that there is already, wrapped as a new one would be. */
  readonly wrapDek: (
    bucket: BucketRecord,
    key: string,
    blobId: Buffer,
    dek: Dek,
    slot?: number,
    encryptionContext?: string,
  ) => Promise<StoredDek>
  readonly unwrapDek: (bucket: BucketRecord, key: string, blobId: Buffer, wrapped: StoredDek) => Promise<Dek>
  /** A DEK of another bucket, elsewhere, under a root key that this bucket's service may use. */
  readonly unwrapForeign: (bucket: BucketRecord, key: string, foreign: ForeignDek) => Promise<Dek>
  /** The same DEK under another slot, or under the newest version of its slot's root key. */
  readonly rewrapDek: (
    bucket: BucketRecord,
    key: string,
    blobId: Buffer,
    wrapped: StoredDek,
    to: KeySlot,
  ) => Promise<StoredDek>
  readonly rewrapMetadataKey: (bucket: BucketRecord, to: KeySlot) => Promise<StoredDek>
  /** Newest version of a slot's root key. Throws as wrapping would. */
  readonly newestVersion: (bucket: NamedBucket, slot: Pick<KeySlot, 'rootKeyCrn'>) => Promise<string>
  /** Is the root key of the slot the right one? Renews its canary. Throws as wrapping would. */
  readonly prove: (bucket: BucketRecord, slot: KeySlot) => Promise<void>
  /** A slot, with the bucket key that it may need. */
  readonly newSlot: (bucket: NamedBucket, wanted: NewSlot) => Promise<KeySlot>
  /** The bucket metadata key of a new bucket, wrapped. */
  readonly newMetadataKey: (bucket: NamedBucket, slot: KeySlot) => Promise<StoredDek>
  /**
   * Throws while the root key may not be used so: 'wrap' to store, 'unwrap' to read what is stored. That of the slot, or
   * of the one that wraps what is new now.
   */
  readonly permit: (bucket: BucketRecord, use: KeyUse, slot?: number) => Promise<void>
  /**
   * Cipher of the bucket metadata key: seals and opens summaries. Throws while the root key may not be used. Dispose it:
   * only the key provider keeps keys, by its own rules of how long.
   */
  readonly summaryCipher: (bucket: BucketRecord) => Promise<SummaryCipher>
}

/** `kept`: of the bucket metadata key, where a cache has it. */
export type SummaryCipher = RecordCipher & Disposable & { readonly kept?: Kept | undefined }

export type NewSlot = Pick<KeySlot, 'id' | 'kind' | 'rootKeyCrn' | 'encryption' | 'createdAtMs' | 'own'>

type NamedBucket = Pick<BucketRecord, 'id' | 'name' | 'serviceInstanceCrn'>

/** Of no bucket. */
const FOREIGN_SLOT = -1

/** Of one use: a page of a listing meets few. */
const CACHED_EPOCHS = 64

export interface BucketKeysOptions {
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly audit: DataKeyAudit
  /** The bucket as it is now: a record may refer to a slot that was made after a request began. */
  readonly current?: (bucket: BucketRecord) => BucketRecord
  /** Default: no key is doubted. */
  readonly proofs?: KeyProofs
  /** Something in the slot lies under an earlier version of its root key than this. */
  readonly onOutdated?: (use: SlotUse, keyVersion: string) => void
}

export function bucketKeys(options: BucketKeysOptions, asker: Asker): BucketKeys {
  const { provider, nonces, audit, proofs, current = (bucket) => bucket, onOutdated } = options
  const record = recorder(audit, asker)
  const recorded = around(audit, record)
  const plain = slotKeys(provider, onOutdated)
  const foreign = slotKeys(provider)
  const slots = proofs ? provenSlots(plain, proofs) : plain
  const useOf = ({ id: bucketId, serviceInstanceCrn }: NamedBucket, slot: KeySlot): SlotUse => ({
    ...{ bucketId, serviceInstanceCrn, slot },
    ...(asker.requestId === undefined ? {} : { requestId: asker.requestId }),
    ...(asker.traceparent === undefined ? {} : { traceparent: asker.traceparent }),
  })
  const wrapped = async (bucket: NamedBucket, slot: KeySlot, dek: Dek, context: WrapContext) => {
    const result = await slots.wrap(useOf(bucket, slot), dek, context)
    return { result, keyVersion: rootVersionOf(slot, result) }
  }

  const rewrapped = async (
    bucket: NamedBucket,
    from: KeySlot,
    stored: StoredDek,
    context: WrapContext,
    to: KeySlot,
  ) => {
    const result = await slots.rewrap(useOf(bucket, from), stored, context, to)
    return { result, keyVersion: rootVersionOf(to, result) }
  }

  const wrapDek: BucketKeys['wrapDek'] = async (bucket, key, blobId, dek, slotId = bucket.slot, context) => {
    const slot = slotOf(bucket, slotId)
    const use = { use: 'wrap', dataKey: 'object', bucket: under(bucket, slot), key } as const
    return bound(await recorded(use, () => wrapped(bucket, slot, dek, dekContext(bucket.id, blobId, context))), context)
  }

  const withCanary = async (bucket: NamedBucket, slot: KeySlot): Promise<KeySlot> => ({
    ...slot,
    canary: await newCanary(plain, useOf(bucket, slot)),
  })

  const newBucketKey = (bucket: NamedBucket, root: KeySlot): Promise<KeySlot> => {
    const { call, name } = { call: slotCall(useOf(bucket, root)), name: under(bucket, root) }
    return recorded({ use: 'wrap', dataKey: 'bucket', bucket: name }, async () => {
      using key = newDek()
      const keyId = newUuid()
      const wrapped = await provider.wrap(call, key, bucketKeyContext(bucket.id, keyId))
      const canary = canaryUnder({ id: keyId, key }, bucket.id, root.id)
      return { result: { ...root, kind: 'bucket-key', keyId, wrapped, canary }, keyVersion: wrapped.keyVersion }
    })
  }

  return {
    asker,
    newDek: async (bucket, key, blobId, slotId, context) => {
      const dek = newDek()
      try {
        return { dek, wrapped: await wrapDek(bucket, key, blobId, dek, slotId, context) }
      } catch (error) {
        dek[Symbol.dispose]()
        throw error
      }
    },
    wrapDek,
    unwrapDek: async (bucket, key, blobId, stored) => {
      const slot = findSlot(bucket, stored.slot) ?? slotOf(current(bucket), stored.slot)
      const keyVersion = rootVersionOf(slot, stored)
      const use = { use: 'unwrap', dataKey: 'object', bucket: under(bucket, slot), key, keyVersion } as const
      return recorded(use, async () => {
        const context = dekContext(bucket.id, blobId, stored.context)
        const { dek } = await slots.unwrap(useOf(bucket, slot), stored, context)
        return { result: dek }
      })
    },
    unwrapForeign: async (bucket, key, { bucketId, blobId, rootKeyCrn, bucketKey, ...stored }) => {
      const { encryption, createdAtMs } = bucket
      const base = { ...{ id: FOREIGN_SLOT, rootKeyCrn, encryption, createdAtMs } }
      const slot: KeySlot = bucketKey
        ? { ...base, kind: 'bucket-key', keyId: bucketKey.keyId, wrapped: bucketKey }
        : { ...base, kind: 'root' }
      const wrapped: StoredDek = { ...stored, slot: FOREIGN_SLOT }
      const keyVersion = rootVersionOf(slot, wrapped)
      const use = { use: 'unwrap', dataKey: 'object', bucket: under(bucket, slot), key, keyVersion } as const
      return recorded(use, async () => {
        const context = dekContext(bucketId, blobId, stored.context)
        // Neither its slot nor what it says of outdated versions is this bucket's.
        const { dek } = await foreign.unwrap({ ...useOf(bucket, slot), bucketId }, wrapped, context)
        return { result: dek }
      })
    },
    rewrapDek: async (bucket, key, blobId, stored, to) => {
      const from = slotOf(current(bucket), stored.slot)
      const use = { use: 'rewrap', dataKey: 'object', bucket: under(bucket, to), key } as const
      const context = dekContext(bucket.id, blobId, stored.context)
      return bound(await recorded(use, () => rewrapped(bucket, from, stored, context, to)), stored.context)
    },
    rewrapMetadataKey: (bucket, to) => {
      const from = slotOf(bucket, bucket.metadataKey.slot)
      const use = { use: 'rewrap', dataKey: 'bucket-metadata', bucket: under(bucket, to) } as const
      return recorded(use, () => rewrapped(bucket, from, bucket.metadataKey, metadataKeyContext(bucket.id), to))
    },
    newestVersion: async (bucket, { rootKeyCrn }) =>
      (await provider.describe(keyCall({ ...bucket, rootKeyCrn }, asker))).keyVersion,
    prove: async (bucket, { id }) => proofs?.check(bucket, id),
    newSlot: async (bucket, { kind, ...base }) => {
      const root: KeySlot = { ...base, kind: 'root' }
      await proofs?.provenRoot(root.rootKeyCrn)
      const slot = kind === 'root' ? await withCanary(bucket, root) : await newBucketKey(bucket, root)
      proofs?.made(useOf(bucket, slot))
      return slot
    },
    newMetadataKey: (bucket, slot) =>
      recorded({ use: 'wrap', dataKey: 'bucket-metadata', bucket: under(bucket, slot) }, async () => {
        using key = newDek()
        return await wrapped(bucket, slot, key, metadataKeyContext(bucket.id))
      }),
    permit: async (bucket, use, slotId) => {
      const now = current(bucket)
      // Whatever was under a slot that is not there any more is under the one of now.
      const slot = (slotId === undefined ? undefined : findSlot(now, slotId)) ?? slotOf(now, now.slot)
      try {
        await slots.permit(useOf(bucket, slot), use)
      } catch (error) {
        record({ use, dataKey: 'object', bucket: under(bucket, slot) }, codeOf(error))
        throw error
      }
    },
    summaryCipher: async (bucket) => {
      const { metadataKey, slots: table } = current(bucket)
      const slot = slotOf({ slots: table }, metadataKey.slot)
      const keyVersion = rootVersionOf(slot, metadataKey)
      const use = { use: 'unwrap', dataKey: 'bucket-metadata', bucket: under(bucket, slot), keyVersion } as const
      return recorded(use, async () => {
        const { dek } = await slots.unwrap(useOf(bucket, slot), metadataKey, metadataKeyContext(bucket.id))
        // Derived once for as long as the metadata key is cached, not once a request.
        const { epochKeys: shared } = dek
        const cipher = recordCipher(dek.bytes, nonces, 'OEF1/idx', {
          ...(shared ? { shared } : {}),
          cachedEpochs: CACHED_EPOCHS,
        })
        const dispose = () => {
          cipher[Symbol.dispose]()
          dek[Symbol.dispose]()
        }
        return { result: { ...cipher, kept: dek.kept, [Symbol.dispose]: dispose } }
      })
    },
  }
}

const bound = (wrapped: StoredDek, context: string | undefined): StoredDek =>
  context === undefined ? wrapped : { ...wrapped, context }

const under = ({ name, serviceInstanceCrn }: NamedBucket, { rootKeyCrn }: KeySlot): KeyedBucket => ({
  name,
  serviceInstanceCrn,
  rootKeyCrn,
})

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
    audit.record({ asker, use, dataKey, bucket: name, rootKeyCrn, serviceInstanceCrn, key, keyVersion, code })
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
