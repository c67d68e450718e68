import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { currentBucket, sameBucket } from './commit-version.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { headKey, SPACE } from './keyspace.ts'
import type { ObjectProperties, PlainProperties, Tag } from './object-properties.ts'
import { decodeObject, encodeObject } from './records.ts'
import { sealedProperties, tagsOf } from './seal-properties.ts'

interface Target {
  readonly bucket: Bucket
  readonly key: string
}

/** An object version as far as it can be known without its DEK. */
export interface KnownObject extends PlainProperties {
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly hasTags: boolean
  /** Needs the root key: throws the key provider's codes. */
  readonly tags: () => Promise<readonly Tag[]>
}

const MAX_ATTEMPTS = 50

/** Undefined when there is no such object. */
export async function knownObject(
  engine: Engine,
  keys: BucketKeys,
  { bucket, key }: Target,
): Promise<KnownObject | undefined> {
  const row = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
  if (!row) return undefined
  const record = decodeObject(row.value)
  const { versionId, sizeBytes, modifiedAtMs, properties } = record
  const { sealedTags, ...plain } = properties
  const tags = () => tagsOf(keys, sameBucket(engine, bucket), key, record)
  return { ...plain, versionId, sizeBytes, modifiedAtMs, hasTags: sealedTags !== undefined, tags }
}

/**
 * Changes what is said of an object version by compare-and-set; no byte of it is read, and its date and ETag stay. `next`
 * gets what is there and may throw. Throws NoSuchKey.
 */
export async function changeProperties(
  engine: Engine,
  keys: BucketKeys,
  { bucket, key }: Target,
  next: (now: ObjectProperties) => ObjectProperties,
): Promise<{ readonly versionId: string }> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const now = currentBucket(engine, bucket)
    const row = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
    if (!row) throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key } })
    const record = decodeObject(row.value)
    const { sealedTags: _, ...plain } = record.properties
    const tags = await tagsOf(keys, now, key, record)
    const changed = next(tags.length > 0 ? { ...plain, tags } : plain)
    const properties = await sealedProperties(keys, { bucket: now, key, blobId: record.blobId }, changed)
    const value = encodeObject({ ...record, properties })
    const committed = await engine.metadata.commit([
      engine.buckets.fence(now),
      { type: 'put', space: SPACE.head, key: row.key, value, if: row.token },
    ])
    if (committed) return { versionId: record.versionId }
    await engine.buckets.refresh(bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}
