import { hasCode } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketDocuments } from './bucket-document.ts'
import { type BucketKeys, keyCall, type NewSlot } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { registeredAt, registrationOf } from './deregistrations.ts'
import type { Encryption } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { type KeySlot, onlySlot, type StoredDek } from './key-slots.ts'
import { headKey, rowsUnder, SPACE } from './keyspace.ts'
import { endOfLifecycle } from './lifecycle/state.ts'
import { keepsVersions } from './object-lock.ts'
import type { Versioning } from './records.ts'
import { endOfJob } from './rewrap-jobs.ts'
import { kindFor, prefersBucketKeys } from './slot-kind.ts'
import { endUpload } from './uploads.ts'

export interface NewBucket {
  readonly name: string
  readonly serviceInstanceCrn: string
  readonly ownerId: string
  readonly ownerName: string
  readonly locationConstraint: string
  readonly encryption: Encryption
  readonly rootKeyCrn: string
  /** Should a key of the bucket wrap its DEKs, and the root key that one? Default: as the key provider prefers. */
  readonly bucketKey?: boolean
  readonly versioning?: Versioning
  /** Its subresources from the first moment on. */
  readonly documents?: BucketDocuments
}

const REOPEN_ATTEMPTS = 5

/** The key must exist, be usable and authorised: wrapping the bucket metadata key proves it before anything is stored. */
export async function createBucket(
  engine: Engine,
  keys: BucketKeys,
  { bucketKey, documents = {}, ...input }: NewBucket,
): Promise<Bucket> {
  const existing = engine.buckets.find(input.name) && (await engine.buckets.refresh(input.name))
  if (existing) throw taken(existing, input)
  const id = newUuid()
  const call = keyCall(input)
  const createdAtMs = engine.clock.now()
  const asked = (bucketKey ?? prefersBucketKeys(engine, input)) ? 'bucket-key' : 'root'
  const kind = await kindFor(engine, keys, { ...input, id }, { ...input, kind: asked })
  const { rootKeyCrn, encryption } = input
  const { slot, metadataKey } = await firstKeys(keys, { ...input, id }, { kind, rootKeyCrn, encryption, createdAtMs })
  const record = { ...input, ...onlySlot(slot), id, createdAtMs, deleting: false, metadataKey }
  const make = async (also: readonly Write[] = []): Promise<Bucket> => {
    const bucket = await engine.buckets.create(record, [...engine.documents.firstWrites(record, documents), ...also])
    engine.documents.created(bucket, documents)
    return bucket
  }
  if (input.encryption !== 'customer-managed') return create(engine, input, make)
  const created = await engine.deregistrations.begin(input)
  try {
    return await create(engine, input, async () => {
      // Registered first: a key that protects a bucket is never without its registration.
      await engine.provider.register(call, registrationOf(input, keepsVersions(documents)))
      return make([created])
    })
  } catch (error) {
    // While it is not known whether there is such a bucket, its key stays registered.
    if (!hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) await engine.deregistrations.settle(input)
    throw error
  } finally {
    void engine.deregistrations.retry(input.rootKeyCrn)
  }
}

/** Both under the same version of the root key, or else the canary would not speak for it. */
async function firstKeys(
  keys: BucketKeys,
  bucket: Parameters<BucketKeys['newSlot']>[0],
  wanted: Omit<NewSlot, 'id'>,
): Promise<{ readonly slot: KeySlot; readonly metadataKey: StoredDek }> {
  for (;;) {
    const slot = await keys.newSlot(bucket, { ...wanted, id: 0 })
    const metadataKey = await keys.newMetadataKey(bucket, slot)
    if (slot.kind === 'bucket-key' || slot.canary?.keyVersion === metadataKey.keyVersion) return { slot, metadataKey }
  }
}

async function create(engine: Engine, input: NewBucket, act: () => Promise<Bucket>): Promise<Bucket> {
  try {
    return await act()
  } catch (error) {
    const winner = engine.buckets.find(input.name)
    if (!winner || !hasCode<ObjectsErrorCode>(error, 'BucketAlreadyExists')) throw error
    throw taken(winner, input)
  }
}

function taken(existing: Bucket, input: NewBucket): ObjectsError {
  return existing.serviceInstanceCrn === input.serviceInstanceCrn
    ? new ObjectsError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
      )
    : new ObjectsError(
        'BucketAlreadyExists',
        'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      )
}

/**
 * Closes the bucket to writes, looks whether it is empty, then removes it: a write that commits in between would be
 * lost with the bucket, so the mark changes the row that every write is fenced by. Unfinished uploads go with it.
 */
export async function deleteBucket(engine: Engine, bucket: Bucket): Promise<void> {
  // Closing it would refuse the writes that are under way, for nothing.
  if (await holdsObjects(engine, bucket.id)) throw notEmpty()
  const closing = await close(engine, bucket)
  // Another DeleteBucket took the mark, gave up and opened the bucket again: what follows must not look at an open one.
  if (!closing.deleting) throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
  const registered = registeredAt(closing)
  try {
    if (await holdsObjects(engine, bucket.id)) throw notEmpty()
    await dropUploads(engine, closing)
    const configuration = [...engine.configurations.removals(closing), ...engine.documents.removals(closing)]
    const entries = registered.map(engine.deregistrations.entry)
    await engine.buckets.remove(closing, [
      endOfJob(closing.id),
      endOfLifecycle(closing.id),
      ...entries,
      ...configuration,
    ])
    engine.configurations.forget(closing)
    engine.documents.forget(closing)
  } catch (error) {
    await reopen(engine, closing)
    throw error
  }
  // The bucket is gone whatever the provider says: a key that may not be used any more must not keep it from deletion.
  for (const of of registered) {
    await engine.deregistrations.settle(of)
    void engine.deregistrations.retry(of.rootKeyCrn)
  }
}

const notEmpty = (): ObjectsError => new ObjectsError('BucketNotEmpty', 'The bucket you tried to delete is not empty')

async function close(engine: Engine, bucket: Bucket): Promise<Bucket> {
  try {
    return await engine.buckets.replace(bucket, { ...bucket, deleting: true })
  } catch (error) {
    const now = await engine.buckets.refresh(bucket.name)
    // The mark may have been set though nobody heard of it.
    if (now?.deleting && hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) await reopen(engine, now)
    throw error
  }
}

/**
 * Whoever set the mark: another DeleteBucket then finds that the bucket changed. Never throws: what kept the bucket from being
 * deleted is what the client is to hear, and a bucket that stays closed opens at the next DeleteBucket or start.
 */
async function reopen(engine: Engine, closing: Bucket): Promise<void> {
  for (let attempt = 0; attempt < REOPEN_ATTEMPTS; attempt++) {
    try {
      const now = await engine.buckets.refresh(closing.name)
      if (now?.id === closing.id && now.deleting) await engine.buckets.replace(now, { ...now, deleting: false })
      return
    } catch (error) {
      if (!hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) return
    }
  }
}

/** A bucket that a crash left marked is open again: nothing says that it was empty. */
export async function reopenBuckets(engine: Engine): Promise<void> {
  for (const bucket of engine.buckets.all()) {
    if (bucket.deleting) await engine.buckets.replace(bucket, { ...bucket, deleting: false })
  }
}

async function holdsObjects(engine: Engine, bucketId: string): Promise<boolean> {
  const rows = rowsUnder(headKey(bucketId, ''))
  for (const space of [SPACE.head, SPACE.version]) {
    if ((await engine.metadata.range(space, { ...rows, limit: 1 })).length > 0) return true
  }
  return false
}

async function dropUploads(engine: Engine, bucket: Bucket): Promise<void> {
  const under = rowsUnder(headKey(bucket.id, ''))
  for (;;) {
    const rows = await rangeWithDamaged(engine.metadata, SPACE.upload, { ...under, limit: 100 })
    if (rows.length === 0) return
    for (const row of rows) await endUpload(engine, bucket, row)
    engine.garbage.collect()
  }
}
