import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { type ObjectProperties, type StoredProperties, sealProperties } from './object-properties.ts'

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
