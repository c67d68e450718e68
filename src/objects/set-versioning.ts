import type { Bucket } from './buckets.ts'
import { currentBucket } from './commit-version.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { mayKeep } from './object-lock.ts'
import type { Versioning } from './records.ts'

/**
 * Whatever is under way in the bucket is decided anew, for every write of an object holds to the bucket's row: what commits
 * after this does so with versions. There is no way back to a bucket that never had any. Within the serial of the name. Throws
 * VersioningLocked.
 */
export async function setVersioning(engine: Engine, bucket: Bucket, versioning: Versioning): Promise<Bucket> {
  const now = currentBucket(engine, bucket)
  if (now.versioning === versioning) return now
  if (engine.documents.get(now, 'replication') !== undefined) {
    throw new ObjectsError('ReplicationPresent', 'versioning stays as it is in a bucket that is replicated')
  }
  if (mayKeep(engine, now)) {
    throw new ObjectsError(
      'VersioningLocked',
      'versioning stays as it is in a bucket with Object Lock, or with protection',
    )
  }
  return engine.buckets.replace(now, { ...now, versioning })
}
