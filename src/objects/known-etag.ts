import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { openSummary } from './content.ts'
import type { ObjectRecord } from './records.ts'

/** Of an object whose manifest is not open: needs the bucket metadata key alone. */
export async function knownEtag(
  keys: BucketKeys,
  bucket: Bucket,
  key: string,
  { blobId, summary }: Pick<ObjectRecord, 'blobId' | 'summary'>,
): Promise<string> {
  using cipher = await keys.summaryCipher(bucket)
  return openSummary(cipher, bucket, key, blobId, 0, summary).etag
}
