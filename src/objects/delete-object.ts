import { type DamagedRow, damagedRow } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Token, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { checkConditions, currentBucket, garbageOf, sameBucket } from './commit-version.ts'
import { isConditional, type WriteConditions } from './conditions.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { type ChangeTarget, findVersion, isConfirmed } from './find-version.ts'
import {
  type KeyChange,
  type KeyState,
  newestOrder,
  putMarker,
  putOlder,
  type Row,
  readHistory,
  readKey,
  removeVersion,
} from './key-versions.ts'
import { headKey, SPACE, versionKey } from './keyspace.ts'
import { type ObjectEvent, removedBy } from './notifications/event.ts'
import { assertRemovable, mayKeep } from './object-lock.ts'
import { decodeObject, decodeVersion, encodeMarker, isMarker, type VersionRecord } from './records.ts'
import { assertTakesReplicas, placeOfReplica, type ReplicaOf } from './replication/replica.ts'
import { usageWrites } from './usage.ts'
import { idOfUnreadable, NULL_VERSION, newVersionId, orderOf } from './version-id.ts'

export interface DeleteTarget extends ChangeTarget {
  readonly conditions: WriteConditions
  /** Of versions under governance: whoever asks may, and said so. */
  readonly bypassGovernance?: boolean
  /** The delete marker that is made is a copy of one elsewhere. */
  readonly replica?: ReplicaOf | undefined
  /** Asked with the token of the row that would go, or be followed by a marker: false leaves it. */
  readonly only?: (token: Token | undefined) => boolean
}

export interface Deleted {
  /** Of the version that is gone, or of the delete marker that was made; undefined when neither was. */
  readonly versionId: string | undefined
  /** It was, or is, a delete marker. */
  readonly deleteMarker: boolean
}

/** Each but the first means that another write of the key, or of the bucket's row, succeeded. */
const MAX_ATTEMPTS = 1000

const NOTHING: Deleted = { versionId: undefined, deleteMarker: false }

/**
 * Needs no key: objects of a locked bucket stay deletable. What does not exist is success, as S3 has it. With versioning a
 * delete marker becomes the current version, unless a version is named.
 */
export async function deleteObject(engine: Engine, keys: BucketKeys, target: DeleteTarget): Promise<Deleted> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const deleted = await tryToDelete(engine, keys, target)
    if (deleted) return deleted
    await engine.buckets.refresh(target.bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}

/** Undefined when the key or the bucket changed meanwhile. */
async function tryToDelete(engine: Engine, keys: BucketKeys, target: DeleteTarget): Promise<Deleted | undefined> {
  const same = sameBucket(engine, target.bucket)
  if (target.replica) return putReplica(engine, keys, target, target.replica)
  if (target.versionId !== undefined) return removeNamed(engine, keys, target, target.versionId)
  if (same.versioning === undefined) return removeOnly(engine, keys, same, target)
  const bucket = currentBucket(engine, same)
  const { key, conditions, bypassGovernance, only } = target
  const state = await readKey(engine.metadata, bucket, key)
  if (!(await isConfirmed(target, state.head && decodeObject(state.head.value)))) return undefined
  await checkConditions(keys, bucket, key, conditions, state.head, state.history !== undefined)
  if (only?.(state.head?.token) === false) return NOTHING
  const order = engine.orders.next(newestOrder(state))
  const versionId = bucket.versioning === 'Enabled' ? newVersionId(order) : NULL_VERSION
  const marker = { versionId, modifiedAtMs: engine.clock.now(), deleteMarker: true } as const
  const change = await putMarker(engine.metadata, bucket, key, state, marker, order)
  const event = { name: removedBy(keys.asker, true), key, versionId }
  const replications = engine.replications.ofMarker(bucket, key, marker, keys.asker)
  if (!change || !(await commit(engine, keys, bucket, change, { bypassGovernance, event, replications })))
    return undefined
  return { versionId, deleteMarker: true }
}

/** A delete marker that was made elsewhere, among the versions of the key where it belongs. */
async function putReplica(
  engine: Engine,
  keys: BucketKeys,
  target: DeleteTarget,
  replica: ReplicaOf,
): Promise<Deleted | undefined> {
  const bucket = currentBucket(engine, target.bucket)
  assertTakesReplicas(bucket)
  const { key } = target
  if (await findVersion(engine, { bucket, key, versionId: replica.versionId })) {
    return { versionId: replica.versionId, deleteMarker: true }
  }
  const { metadata } = engine
  const state = await readKey(metadata, bucket, key)
  const place = await placeOfReplica(engine, bucket, key, replica, state)
  const order = place?.order ?? engine.orders.next(newestOrder(state))
  const versionId = place?.versionId ?? newVersionId(order)
  if (place?.there) return { versionId, deleteMarker: true }
  const marker = { versionId, modifiedAtMs: replica.modifiedAtMs, deleteMarker: true } as const
  const change =
    order < newestOrder(state)
      ? putOlder(metadata, bucket, key, state, { order, record: marker, value: encodeMarker(marker) })
      : await putMarker(metadata, bucket, key, state, marker, order)
  const event = { name: removedBy(keys.asker, true), key, versionId }
  if (!change || !(await commit(engine, keys, bucket, change, { bypassGovernance: false, event }))) return undefined
  return { versionId, deleteMarker: true }
}

/** The one object of a key, in a bucket that never had versions. */
async function removeOnly(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { key, conditions, bypassGovernance, only, confirm }: DeleteTarget,
): Promise<Deleted | undefined> {
  const current = await readable(engine, bucket, key, conditions)
  const found = current && !('damage' in current) ? decodeObject(current.value) : undefined
  if (!(await isConfirmed({ confirm }, found))) return undefined
  if (current && 'damage' in current) return (await removeDamaged(engine, bucket, current)) ? NOTHING : undefined
  await checkConditions(keys, bucket, key, conditions, current)
  if (!current || only?.(current.token) === false) return NOTHING
  const change: KeyChange = {
    writes: [{ type: 'delete', space: SPACE.head, key: current.key, if: current.token }],
    removed: [decodeObject(current.value)],
  }
  const event = { name: removedBy(keys.asker, false), key }
  return (await commit(engine, keys, bucket, change, { bypassGovernance, event }))
    ? { versionId: NULL_VERSION, deleteMarker: false }
    : undefined
}

async function removeNamed(
  engine: Engine,
  keys: BucketKeys,
  { key, conditions, bypassGovernance, only, confirm, ...target }: DeleteTarget,
  versionId: string,
): Promise<Deleted | undefined> {
  // Another version may become the current one: no DeleteBucket may look for objects meanwhile.
  const same = sameBucket(engine, target.bucket)
  const bucket = same.versioning === undefined ? same : currentBucket(engine, same)
  const head = await readable(engine, bucket, key, conditions)
  const history = bucket.versioning === undefined ? undefined : await readHistory(engine.metadata, bucket, key)
  const state = { head, history }
  const found = await findIn(engine, bucket, key, state, versionId)
  if (found === 'changed') return undefined
  if (!found) return (await isStill(engine, bucket, key, state)) ? { versionId, deleteMarker: false } : undefined
  const { record, row, order } = found
  const live = record && !isMarker(record) ? record : undefined
  if (!(await isConfirmed({ confirm }, live))) return undefined
  await checkConditions(keys, bucket, key, conditions, live && row.value ? { ...row, value: row.value } : undefined)
  if (only?.(row.token) === false) return NOTHING
  if (!record) assertNothingKept(engine, bucket)
  const change = await removeVersion(engine.metadata, bucket, key, state, { row, order, record })
  const event = { name: removedBy(keys.asker, false), key, versionId }
  if (!change || !(await commit(engine, keys, bucket, change, { bypassGovernance, event }))) return undefined
  if (!record) engine.damage.recount()
  return { versionId, deleteMarker: record !== undefined && isMarker(record) }
}

interface Found {
  readonly row: Row
  readonly order: bigint | undefined
  /** Undefined: it cannot be read. */
  readonly record: VersionRecord | undefined
}

async function findIn(
  engine: Engine,
  bucket: Bucket,
  key: string,
  { head, history }: KeyState<Row>,
  versionId: string,
): Promise<Found | undefined | 'changed'> {
  const record = head?.value && decodeObject(head.value)
  // A head that cannot be read is listed as the null version.
  if (head && (record?.versionId ?? NULL_VERSION) === versionId) return { row: head, order: undefined, record }
  const order = versionId === NULL_VERSION ? history?.nullOrder : orderOf(versionId)
  if (order === undefined || !history) return undefined
  const row = await readableRow(engine, versionKey(bucket.id, key, order))
  if (!row) return versionId === NULL_VERSION ? 'changed' : undefined
  if ('damage' in row) {
    engine.damage.found(SPACE.version, row.key, `the record of a version of ${bucket.name}/${key}`, row.damage)
    return [NULL_VERSION, idOfUnreadable(order)].includes(versionId) ? { row, order, record: undefined } : undefined
  }
  const found = decodeVersion(row.value)
  return found.versionId === versionId ? { row, order, record: found } : undefined
}

/** Nothing went from one place to another while it was looked for. */
async function isStill(engine: Engine, bucket: Bucket, key: string, { head, history }: KeyState<Row>) {
  if (bucket.versioning === undefined) return true
  const now = await readable(engine, bucket, key, {})
  const then = await readHistory(engine.metadata, bucket, key)
  return now?.token === head?.token && then?.token === history?.token
}

async function commit(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { writes, removed }: KeyChange,
  {
    bypassGovernance,
    event,
    replications = [],
  }: {
    readonly bypassGovernance: boolean | undefined
    readonly event: ObjectEvent
    readonly replications?: readonly Write[]
  },
): Promise<boolean> {
  assertRemovable(removed, engine.clock.now(), bypassGovernance)
  const events = engine.notifications.writes(bucket, keys.asker, event)
  const committed = await engine.metadata.commit([
    engine.buckets.fence(bucket),
    ...writes,
    ...events,
    ...replications,
    ...usageWrites(bucket.id, { removed }),
    ...removed.map((record) => engine.garbage.entry(garbageOf(record))),
  ])
  if (committed && removed.length > 0) engine.garbage.collect()
  if (committed && events.length > 0) engine.notifications.wake()
  if (committed && replications.length > 0) engine.replications.wake()
  return committed
}

/** Throws MetadataCorrupt for a damaged record under conditions: what they ask about cannot be known. */
async function readable(
  engine: Engine,
  bucket: Bucket,
  key: string,
  conditions: WriteConditions,
): Promise<Entry | DamagedRow | undefined> {
  try {
    const entry = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
    if (entry) decodeObject(entry.value)
    return entry
  } catch (error) {
    const damaged = damagedRow(error)
    if (!damaged || isConditional(conditions)) throw error
    engine.damage.found(SPACE.head, damaged.key, `the record of ${bucket.name}/${key}`, error)
    return damaged
  }
}

async function readableRow({ metadata }: Engine, key: Buffer): Promise<Entry | DamagedRow | undefined> {
  try {
    return await metadata.get(SPACE.version, key)
  } catch (error) {
    const damaged = damagedRow(error)
    if (!damaged) throw error
    return damaged
  }
}

/** What it had counted, and under which key, it cannot say any more: all is counted anew. Its blobs stay. */
async function removeDamaged(engine: Engine, bucket: Bucket, { key, token }: DamagedRow): Promise<boolean> {
  assertNothingKept(engine, bucket)
  const removed = await engine.metadata.commit([
    engine.buckets.fence(bucket),
    { type: 'delete', space: SPACE.head, key, if: token },
  ])
  if (removed) engine.damage.recount()
  return removed
}

/** Nobody knows what a record said of it that cannot be read. */
function assertNothingKept(engine: Engine, bucket: Bucket): void {
  if (!mayKeep(engine, bucket)) return
  throw new ObjectsError('ObjectLocked', 'whether the object is retained cannot be read')
}
