import type { Documents } from '../bucket-documents.ts'
import type { Bucket } from '../buckets.ts'
import { isMarker, type VersionRecord } from '../records.ts'
import { followedBy, replicationFrom, rulesForMarker } from '../replication/configuration.ts'

/** A marker says nothing of its replication; by then it was taken, or dropped: a week, and time for the last try. */
const MARKER_MS = 8 * 86_400_000

/**
 * S3: nothing expires, or moves, before it is where the bucket replicates it. Where nothing leads any more, nothing is
 * waited for.
 */
export function awaitsReplication(
  { documents }: { readonly documents: Pick<Documents, 'get'> },
  bucket: Pick<Bucket, 'id'>,
  key: string,
  record: VersionRecord,
  nowMs: number,
): boolean {
  const configuration = replicationFrom(documents.get(bucket, 'replication'))
  if (!configuration) return false
  if (isMarker(record)) {
    return nowMs - record.modifiedAtMs < MARKER_MS && rulesForMarker(configuration, key).length > 0
  }
  const { replica, to = {} } = record.properties.replication ?? {}
  if (replica) return false
  return Object.entries(to).some(
    ([name, { status, withdrawn }]) =>
      status !== 'COMPLETED' && !withdrawn && followedBy(configuration, name, key) !== undefined,
  )
}
