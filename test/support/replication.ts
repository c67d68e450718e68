import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  type ReplicationRule,
  type S3Client,
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'

export const PATIENCE = { timeout: 20_000 }
const Role = 'arn:aws:iam::123456789012:role/replication'

export async function versioned(s3: S3Client, Bucket: string, lock = false): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: lock }))
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
}
export const rule = (arn: string, more: Partial<ReplicationRule> = {}): ReplicationRule => ({
  ...{ ID: 'rule', Status: 'Enabled', Priority: 1, Filter: {}, Destination: { Bucket: arn } },
  DeleteMarkerReplication: { Status: 'Enabled' },
  ...more,
})
export const replicate = (s3: S3Client, Bucket: string, ...Rules: ReplicationRule[]) =>
  s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: { Role, Rules } }))
export const head = (s3: S3Client, Bucket: string, Key: string, more: { readonly VersionId?: string } = {}) =>
  s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED', ...more }))
export const statusOf = async (s3: S3Client, Bucket: string, Key: string, VersionId?: string) =>
  (await head(s3, Bucket, Key, VersionId === undefined ? {} : { VersionId })).ReplicationStatus
export const isDone = (s3: S3Client, bucket: string, key: string, versionId?: string) =>
  expect.poll(() => statusOf(s3, bucket, key, versionId), PATIENCE).toBe('COMPLETED')
export const bytesOf = async (s3: S3Client, Bucket: string, Key: string) =>
  Buffer.from((await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray()) ?? [])
/** `key versionId`, delete markers with a minus, in the order of the listing. */
export async function versionsOf(s3: S3Client, Bucket: string): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
  const all = [...Versions.map((one) => ({ ...one, sign: '' })), ...DeleteMarkers.map((one) => ({ ...one, sign: '-' }))]
  return all
    .map(({ Key, VersionId, IsLatest, sign }) => `${sign}${Key} ${VersionId}${IsLatest ? ' latest' : ''}`)
    .sort()
}
/** What a replica has in common with its source. */
export const described = ({ $metadata: _, ReplicationStatus: __, ...rest }: HeadObjectCommandOutput) => rest
