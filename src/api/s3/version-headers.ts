import type { BucketRecord } from '../../objects/records.ts'
import { NULL_VERSION } from '../../objects/version-id.ts'
import type { S3Reply } from './operation.ts'

type Headers = NonNullable<S3Reply['headers']>

/** S3 tells it in a bucket that has, or has had, versioning. */
export const versionHeader = (
  { versioning }: Pick<BucketRecord, 'versioning'>,
  versionId: string | undefined,
  name = 'x-amz-version-id',
): Headers =>
  versionId === undefined || (versioning === undefined && versionId === NULL_VERSION) ? {} : { [name]: versionId }

/** Of a write: S3 tells it of what got an id of its own. */
export const writtenVersionHeader = (versionId: string): Headers =>
  versionId === NULL_VERSION ? {} : { 'x-amz-version-id': versionId }

export const copiedVersionHeader = (bucket: Pick<BucketRecord, 'versioning'>, versionId: string): Headers =>
  versionHeader(bucket, versionId, 'x-amz-copy-source-version-id')
