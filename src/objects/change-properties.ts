import type { BucketKeys } from './bucket-keys.ts'
import { currentBucket, sameBucket } from './commit-version.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import {
  type ChangeTarget,
  findObject,
  findVersion,
  isConfirmed,
  objectIn,
  type VersionTarget,
} from './find-version.ts'
import { knownEtag } from './known-etag.ts'
import { changedBy } from './notifications/event.ts'
import type { ObjectProperties, PlainProperties, Tag } from './object-properties.ts'
import { encodeObject, isMarker, type ObjectRecord } from './records.ts'
import { sealedProperties, tagsOf } from './seal-properties.ts'

/** An object version as far as it can be known without its DEK. */
export interface KnownObject extends PlainProperties {
  /** Of these bytes and no others. */
  readonly blobId: Buffer
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly hasTags: boolean
  /** Needs the root key: throws the key provider's codes. */
  readonly tags: () => Promise<readonly Tag[]>
}

const MAX_ATTEMPTS = 50

/** Undefined when there is no such object. Throws DeleteMarker for one that was named by its id. */
export async function knownObject(
  engine: Engine,
  keys: BucketKeys,
  target: VersionTarget,
): Promise<KnownObject | undefined> {
  const found = await findVersion(engine, target)
  if (target.versionId === undefined && (!found || isMarker(found.record))) return undefined
  const { bucket, key } = target
  const record = objectIn(found, target).record
  const { blobId, versionId, sizeBytes, modifiedAtMs, properties } = record
  const { sealedTags, ...plain } = properties
  const tags = () => tagsOf(keys, sameBucket(engine, bucket), key, record)
  return { ...plain, blobId, versionId, sizeBytes, modifiedAtMs, hasTags: sealedTags !== undefined, tags }
}

/**
 * Changes what is said of an object version by compare-and-set; no byte of it is read, and its date and ETag stay. `next`
 * gets what is there and may throw; when it returns just that, nothing is to change. Throws NoSuchKey, NoSuchVersion,
 * DeleteMarker.
 */
export async function changeProperties(
  engine: Engine,
  keys: BucketKeys,
  target: ChangeTarget,
  next: (now: ObjectProperties, of: Pick<ObjectRecord, 'modifiedAtMs'>) => ObjectProperties,
): Promise<{ readonly versionId: string }> {
  const { bucket, key } = target
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const now = currentBucket(engine, bucket)
    const { space, row, record } = await findObject(engine, target)
    if (!(await isConfirmed(target, record))) continue
    const { sealedTags: _, ...plain } = record.properties
    const tags = await tagsOf(keys, now, key, record)
    const before = tags.length > 0 ? { ...plain, tags } : plain
    const changed = next(before, record)
    if (changed === before) return { versionId: record.versionId }
    const replicated = engine.replications.ofChange(now, key, record, changed, tags, keys.asker)
    const properties = await sealedProperties(keys, { bucket: now, key, blobId: record.blobId }, replicated.properties)
    const value = encodeObject({ ...record, properties })
    const { sizeBytes, versionId } = record
    const name = changedBy(keys.asker)
    const isTold = name !== undefined && engine.notifications.isWanted(now, name, key)
    // An ACL changes in a locked bucket, too.
    const etag = isTold ? await knownEtag(keys, now, key, record).catch(() => undefined) : undefined
    const event = name && { name, key, sizeBytes, versionId, ...(etag === undefined ? {} : { etag }) }
    const events = event ? engine.notifications.writes(now, keys.asker, event) : []
    const committed = await engine.metadata.commit([
      ...events,
      ...replicated.writes,
      engine.buckets.fence(now),
      { type: 'put', space, key: row.key, value, if: row.token },
    ])
    if (committed && events.length > 0) engine.notifications.wake()
    if (committed && replicated.writes.length > 0) engine.replications.wake()
    if (committed) return { versionId }
    await engine.buckets.refresh(bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}
