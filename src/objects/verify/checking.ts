import { hasCode } from '../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'
import { fileOfBlob } from '../../storage/blob/blob-place.ts'
import type { BlobId, BlobStoreErrorCode } from '../../storage/blob/blob-store.ts'
import type { MetadataStore } from '../../storage/metadata/metadata-store.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { blobKey, SPACE } from '../keyspace.ts'
import type { PartReader } from './check-part.ts'
import type { Problem } from './finding.ts'

/** What checks read with. */
export interface Checking extends PartReader {
  readonly metadata: Pick<MetadataStore, 'get' | 'range'>
  readonly keys: BucketKeys
  /** Also hashes what takes long to hash: MD5 and SHA. */
  readonly checksums: boolean
}

/** Whose bytes are looked at. */
export interface Subject {
  readonly bucket: Bucket
  readonly key: string
  readonly versionId?: string
  readonly uploadId?: string
}

/** What came of one object version or upload. */
export interface Checked {
  readonly problems: readonly Problem[]
  /** Why its key may not be used now, or is its customer's: what lies under it is no damage. */
  readonly closed?: string
}

export const about = ({ bucket, ...subject }: Subject) => ({ bucket: bucket.name, ...subject })

export const atBlob = (blob: BlobId) => ({ blob, ...fileOfBlob(blob) })

/** The row that keeps the blob from the sweep. */
export async function checkOwner(
  { metadata }: Pick<Checking, 'metadata'>,
  subject: Subject,
  blob: BlobId,
): Promise<Problem[]> {
  try {
    if (await metadata.get(SPACE.blob, blobKey(blob))) return []
    return [{ kind: 'owner-missing', ...about(subject), ...atBlob(blob), damage: 'no row keeps its bytes' }]
  } catch (error) {
    if (!hasCode(error, 'MetadataCorrupt')) throw error
    const damage = 'the row that keeps its bytes does not authenticate'
    return [{ kind: 'owner-missing', ...about(subject), ...atBlob(blob), damage }]
  }
}

/** The reason, when it is that a key may not be used now or answers with other material, or is only its customer's. */
export function closedBy(error: unknown): string | undefined {
  if (hasCode<BlobStoreErrorCode>(error, 'BlobStoreFailed') && error.details['storageClass'] !== undefined)
    return NO_CLASS
  return hasCode<KeyProviderErrorCode | ObjectsErrorCode>(
    error,
    'RootKeyNotFound',
    'RootKeyDisabled',
    'KeyAccessDenied',
    'KeyProviderUnavailable',
    'BucketKeyWrong',
    'CustomerKeyRequired',
  )
    ? error.code
    : undefined
}

/** What does not open although its key may be used. */
export const isForged = (error: unknown): boolean =>
  hasCode(error, 'EnvelopeForged', 'WrappedDekForged', 'MetadataCorrupt', 'ObjectDamaged')

export const KEY_DAMAGE = 'its DEK, or the metadata key of its bucket, does not open under the right root key'

/** The bytes lie in the directory of a storage class that no setting names. */
export const NO_CLASS = 'StorageClassNotSetUp'
