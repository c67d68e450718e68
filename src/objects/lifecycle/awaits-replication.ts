import type { Documents } from '../bucket-documents.ts'
import type { Bucket } from '../buckets.ts'
import { isMarker, type VersionRecord } from '../records.ts'
import { replicationStatus } from '../replication/status.ts'

/** S3: nothing expires, or moves, before it is where the bucket replicates it. */
export function awaitsReplication(
  { documents }: { readonly documents: Pick<Documents, 'get'> },
  bucket: Pick<Bucket, 'id'>,
  record: VersionRecord,
): boolean {
  if (isMarker(record) || record.properties.replication === undefined) return false
  const status = replicationStatus(record.properties.replication)
  return (status === 'PENDING' || status === 'FAILED') && documents.get(bucket, 'replication') !== undefined
}
