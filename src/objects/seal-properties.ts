import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import {
  type ObjectProperties,
  openTags,
  type StoredProperties,
  sealProperties,
  type Tag,
} from './object-properties.ts'
import type { ObjectRecord } from './records.ts'

/** Asks for the bucket metadata key only when there is something to seal. */
export async function sealedProperties(
  keys: BucketKeys,
  { bucket, key, blobId }: { readonly bucket: Bucket; readonly key: string; readonly blobId: Buffer },
  { tags = [], ...plain }: ObjectProperties,
): Promise<StoredProperties> {
  if (tags.length === 0) return plain
  using cipher = await keys.summaryCipher(bucket)
  return sealProperties(cipher, bucket, key, blobId, { ...plain, tags })
}

/** Asks for it only when there is something to open. */
export async function tagsOf(
  keys: BucketKeys,
  bucket: Bucket,
  key: string,
  { blobId, properties }: Pick<ObjectRecord, 'blobId' | 'properties'>,
): Promise<readonly Tag[]> {
  if (!properties.sealedTags) return []
  using cipher = await keys.summaryCipher(bucket)
  return openTags(cipher, bucket, key, blobId, properties)
}
