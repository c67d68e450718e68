import { hasCode } from '../base/errors.ts'
import type { Entry, MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkWriteConditions, isConditional, type WriteConditions } from './conditions.ts'
import type { Draft } from './drafts.ts'
import { type Engine, encodeOwner } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { findVersion } from './find-version.ts'
import type { StoredDek } from './key-slots.ts'
import { type KeyChange, type KeyState, newestOrder, putCurrent, putOlder, readKey } from './key-versions.ts'
import { blobKey, headKey, SPACE } from './keyspace.ts'
import { knownEtag } from './known-etag.ts'
import { createdBy } from './notifications/event.ts'
import { assertRemovable, withDefaultLock } from './object-lock.ts'
import type { ObjectLock } from './object-properties.ts'
import {
  decodeObject,
  encodeObject,
  type GarbageRecord,
  isMarker,
  type ObjectRecord,
  type UploadRecord,
} from './records.ts'
import { assertTakesReplicas, placeOfReplica, type ReplicaOf } from './replication/replica.ts'
import type { Replication } from './replication/status.ts'
import { usageWrites } from './usage.ts'
import { NULL_VERSION, newVersionId, orderOf } from './version-id.ts'

/** Lost races before we tell the client to try again. Each one means that another write of this key succeeded. */
const MAX_ATTEMPTS = 200

export interface NewVersion {
  readonly bucket: Bucket
  readonly key: string
  readonly record: Omit<ObjectRecord, 'versionId' | 'manifest'>
  /** For whom the bucket tells of it. Without quotes. */
  readonly etag: string
  /** The manifest is bound to the version, whose id is known when it is the newest of its key. Asked again after a lost race. */
  readonly seal: (versionId: string) => Promise<ObjectRecord['manifest']>
  readonly conditions: WriteConditions
  /** It is a copy of a version elsewhere. */
  readonly replica?: ReplicaOf | undefined
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

export interface Committed {
  readonly bucket: Bucket
  readonly record: ObjectRecord
  /** A replica that came before: nothing was written. */
  readonly wasThere: boolean
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
): Promise<Committed> {
  const { key, conditions, also, replica, rewrap, inItsSlot = also !== undefined } = version
  let { wrappedDek } = version.record
  let sealed: Pick<ObjectRecord, 'versionId' | 'manifest'> | undefined
  let wrappedFor = version.bucket.token
  // A slow upload must not outlive the permission it started with.
  await keys.permit(version.bucket, 'wrap', inItsSlot ? wrappedDek.slot : undefined)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const bucket = currentBucket(engine, version.bucket)
    if (rewrap && bucket.token !== wrappedFor) {
      // What wraps keys may have changed with the bucket's row: nothing is stored any more under what did before.
      wrappedDek = await rewrap(bucket)
      wrappedFor = bucket.token
    }
    const state = await readKey(engine.metadata, bucket, key)
    await checkConditions(keys, bucket, key, conditions, state.head)
    const there = replica && (await presentReplica(engine, bucket, key, replica))
    if (there) return { bucket, record: there, wasThere: true }
    const place = replica && (await placeOfReplica(engine, bucket, key, replica, state))
    if (place?.there && !isMarker(place.there)) return { bucket, record: place.there, wasThere: true }
    const order = bucket.versioning === undefined ? 0n : engine.orders.next(newestOrder(state))
    if (place) {
      if (sealed?.versionId !== place.versionId) sealed = await sealedAs(version, place.versionId)
    } else if (!sealed || !isNext(sealed.versionId, bucket, state)) {
      sealed = await sealedAs(version, bucket.versioning === 'Enabled' ? newVersionId(order) : NULL_VERSION)
    }
    // A replica's time is what somebody says, and must not shorten what the bucket gives.
    const fromMs = replica ? engine.clock.now() : version.record.modifiedAtMs
    const locked = withDefaultLock(engine, bucket, version.record.properties, fromMs)
    const draftRecord = { ...version.record, ...sealed, wrappedDek, properties: locked }
    const { properties, writes } = replica
      ? { properties: { ...locked, replication: replicaWith(version.record.properties.lock) }, writes: [] }
      : await engine.replications.ofVersion(keys, bucket, key, draftRecord)
    const record: ObjectRecord = { ...draftRecord, properties }
    const made = { versionId: record.versionId, order: orderOf(record.versionId) ?? order, value: encodeObject(record) }
    const change =
      place !== undefined && place.order < newestOrder(state)
        ? putOlder(engine.metadata, bucket, key, state, { ...made, record })
        : await putCurrent(engine.metadata, bucket, key, state, made)
    if (change && (await commitChange(engine, keys, draft, version, { bucket, state, record, change, writes }))) {
      return { bucket, record, wasThere: false }
    }
    await engine.buckets.refresh(bucket.name)
    await also?.recheck()
  }
  throw new ObjectsError(
    'ConditionalRequestConflict',
    'The conditional request cannot succeed due to a conflicting operation.',
  )
}

const replicaWith = (lock: ObjectLock | undefined): Replication => ({ replica: true, ...(lock ? { lock } : {}) })

async function presentReplica(
  engine: Engine,
  bucket: Bucket,
  key: string,
  { versionId }: ReplicaOf,
): Promise<ObjectRecord | undefined> {
  assertTakesReplicas(bucket)
  const record = (await findVersion(engine, { bucket, key, versionId }))?.record
  return record && !isMarker(record) ? record : undefined
}

const sealedAs = async ({ seal }: NewVersion, versionId: string) => ({ versionId, manifest: await seal(versionId) })

/** May a version of this id become the current one as things are now? */
function isNext(versionId: string, { versioning }: Bucket, state: KeyState): boolean {
  if (versioning !== 'Enabled') return versionId === NULL_VERSION
  const order = orderOf(versionId)
  return order !== undefined && order >= newestOrder(state) + 2n
}

async function commitChange(
  engine: Engine,
  keys: BucketKeys,
  draft: Draft,
  { key, also, etag }: NewVersion,
  {
    bucket,
    state,
    record,
    change,
    writes: replications,
  }: {
    readonly bucket: Bucket
    readonly state: KeyState
    readonly record: ObjectRecord
    readonly change: KeyChange
    readonly writes: readonly Write[]
  },
): Promise<boolean> {
  assertRemovable(change.removed, engine.clock.now())
  const blobs = blobsOf(record)
  const owner = encodeOwner({ space: SPACE.head, key: headKey(bucket.id, key) })
  const { versionId, sizeBytes } = record
  const created = { name: createdBy(keys.asker), key, sizeBytes, etag, versionId }
  const events = engine.notifications.writes(bucket, keys.asker, created)
  const removed = [...change.removed, ...(also ? [also.endedUpload] : [])]
  const writes: Write[] = [
    engine.buckets.fence(bucket),
    ...change.writes,
    ...blobs.map((id): Write => ({ type: 'put', space: SPACE.blob, key: blobKey(id), value: owner, if: null })),
    ...(also?.writes ?? []),
    ...usageWrites(bucket.id, { removed, added: [record] }),
    ...change.removed.map((gone) => engine.garbage.entry(garbageOf(gone))),
    ...events,
    ...replications,
  ]
  const addedBytes = change.removed.reduce((sum, gone) => sum - gone.sizeBytes, record.sizeBytes)
  using _room = await engine.quotas.reserve(bucket, key, state, addedBytes)
  if (!(await commitOrLeave(engine, draft, writes))) return false
  draft.keep(blobs)
  if (events.length > 0) engine.notifications.wake()
  if (replications.length > 0) engine.replications.wake()
  if (change.removed.length > 0 || also) engine.garbage.collect()
  return true
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

/** `marked`: there are versions of the key, the current one a delete marker. */
export async function checkConditions(
  keys: BucketKeys,
  bucket: Bucket,
  key: string,
  conditions: WriteConditions,
  current: Entry | undefined,
  marked = false,
): Promise<void> {
  if (!isConditional(conditions)) return
  if (!current) return checkWriteConditions(conditions, marked ? 'marked' : undefined)
  const record = decodeObject(current.value)
  const { sizeBytes, modifiedAtMs } = record
  const etag = () => knownEtag(keys, bucket, key, record)
  await checkWriteConditions(conditions, { sizeBytes, modifiedAtMs, etag })
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
