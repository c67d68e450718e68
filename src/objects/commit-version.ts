import { hasCode } from '../base/errors.ts'
import type { Entry, MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkWriteConditions, type WriteConditions } from './conditions.ts'
import { openSummary } from './content.ts'
import type { Draft } from './drafts.ts'
import { type Engine, encodeOwner } from './engine.ts'
import { ObjectsError } from './errors.ts'
import type { StoredDek } from './key-slots.ts'
import { blobKey, headKey, SPACE } from './keyspace.ts'
import { decodeObject, encodeObject, type GarbageRecord, type ObjectRecord, type UploadRecord } from './records.ts'
import { usageWrites } from './usage.ts'

/** Lost races before we tell the client to try again. Each one means that another write of this key succeeded. */
const MAX_ATTEMPTS = 200

export interface NewVersion {
  readonly bucket: Bucket
  readonly key: string
  readonly record: ObjectRecord
  readonly conditions: WriteConditions
  /** The record's own slot must wrap, whatever wraps what is new in the bucket. */
  readonly inItsSlot?: boolean
  /** Further writes of the same commit, e.g. the end of an upload. */
  readonly also?: {
    readonly writes: readonly Write[]
    /** Asked after a lost race: throws when the writes can't succeed any more. */
    readonly recheck: () => Promise<void>
    /** Its row goes with this commit. */
    readonly endedUpload: UploadRecord
  }
  /** Wraps the DEK anew: under what wraps what is new in the bucket as it is now. */
  readonly rewrap?: (bucket: Bucket) => Promise<StoredDek>
}

/**
 * The linearisation point of every write of an object: one conditional commit that names the new bytes, fences the
 * bucket and hands the replaced version to the collector. Last writer wins unless a condition says otherwise.
 */
export async function commitVersion(
  engine: Engine,
  keys: BucketKeys,
  draft: Draft,
  version: NewVersion,
): Promise<{ readonly bucket: Bucket; readonly record: ObjectRecord }> {
  const { key, conditions, also, rewrap, inItsSlot = also !== undefined } = version
  let { record } = version
  let wrappedFor = version.bucket.token
  const row = headKey(version.bucket.id, key)
  const blobs = blobsOf(record)
  // A slow upload must not outlive the permission it started with.
  await keys.permit(version.bucket, 'wrap', inItsSlot ? record.wrappedDek.slot : undefined)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const bucket = currentBucket(engine, version.bucket)
    if (rewrap && bucket.token !== wrappedFor) {
      // What wraps keys may have changed with the bucket's row: nothing is stored any more under what did before.
      record = { ...record, wrappedDek: await rewrap(bucket) }
      wrappedFor = bucket.token
    }
    const current = await engine.metadata.get(SPACE.head, row)
    await checkConditions(keys, bucket, key, conditions, current)
    const writes: Write[] = [
      engine.buckets.fence(bucket),
      { type: 'put', space: SPACE.head, key: row, value: encodeObject(record), if: current ? current.token : null },
      ...blobs.map(
        (id): Write => ({
          type: 'put',
          space: SPACE.blob,
          key: blobKey(id),
          value: encodeOwner({ space: SPACE.head, key: row }),
          if: null,
        }),
      ),
      ...(also?.writes ?? []),
    ]
    const replaced = current && decodeObject(current.value)
    const removed = [...(replaced ? [replaced] : []), ...(also ? [also.endedUpload] : [])]
    writes.push(...usageWrites(bucket.id, { removed, added: [record] }))
    if (replaced) writes.push(engine.garbage.entry(garbageOf(replaced)))
    using _room = await engine.quotas.reserve(bucket, key, current, record.sizeBytes)
    if (await commitOrLeave(engine, draft, writes)) {
      draft.keep()
      if (replaced || also) engine.garbage.collect()
      return { bucket, record }
    }
    await engine.buckets.refresh(bucket.name)
    await also?.recheck()
  }
  throw new ObjectsError(
    'ConditionalRequestConflict',
    'The conditional request cannot succeed due to a conflicting operation.',
  )
}

/** When a commit's outcome is not known, its blobs stay. One that was refused for want of space wrote nothing. */
export async function commitOrLeave(engine: Engine, draft: Draft, writes: readonly Write[]): Promise<boolean> {
  try {
    return await engine.metadata.commit(writes)
  } catch (error) {
    if (!hasCode<MetadataStoreErrorCode>(error, 'NoSpace')) draft.leave()
    throw error
  }
}

/** The same bucket as when the request began, as it is now. */
export function sameBucket(engine: Engine, bucket: Bucket): Bucket {
  const now = engine.buckets.get(bucket.name)
  if (now.id !== bucket.id) throw new ObjectsError('NoSuchBucket', 'The specified bucket does not exist')
  return now
}

/** The same bucket, to be written to. */
export function currentBucket(engine: Engine, bucket: Bucket): Bucket {
  const now = sameBucket(engine, bucket)
  if (now.deleting)
    throw new ObjectsError(
      'BucketBusy',
      'A conflicting conditional operation is currently in progress against this resource. Try again.',
    )
  return now
}

export async function checkConditions(
  keys: BucketKeys,
  bucket: Bucket,
  key: string,
  conditions: WriteConditions,
  current: Entry | undefined,
): Promise<void> {
  if (conditions.ifMatch === undefined && conditions.ifNoneMatch === undefined) return
  if (!current) return checkWriteConditions(conditions, undefined)
  const record = decodeObject(current.value)
  using cipher = await keys.summaryCipher(bucket)
  checkWriteConditions(conditions, openSummary(cipher, bucket, key, record.blobId, 0, record.summary))
}

const blobsOf = (record: ObjectRecord): string[] => [
  ...('blob' in record.data ? [record.data.blob] : []),
  ...('blob' in record.manifest ? [record.manifest.blob] : []),
]

export function garbageOf(record: ObjectRecord): GarbageRecord {
  const blobId = record.blobId.toString('hex')
  const base = { blobs: blobsOf(record), blobId }
  return 'partCount' in record.data ? { ...base, upload: { uploadId: blobId } } : base
}
