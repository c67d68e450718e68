import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { mainAccount } from './bootstrap.ts'
import { sendConfig } from './bucket-config.ts'
import { contentBytes } from './content.ts'
import { iamToken } from './control-api.ts'
import { keyOwner } from './keys.ts'
import { createUpload, MIN_PART_BYTES, sendPart, uploadInParts } from './multipart.ts'
import { queryApi } from './query-api.ts'
import { makeBucket, s3ClientFor, takeCustomerKeys } from './s3.ts'

/** Where a server that was given `mainAccount` listens. */
export interface ServerAddress {
  readonly s3Url: string
  readonly controlUrl: string
}

const CUSTOMER_KEY = Buffer.alloc(32, 0x2a)
/** Of every object whose key begins with `sse-c`. */
export const CUSTOMER_KEY_HEADERS = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: CUSTOMER_KEY.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(CUSTOMER_KEY).digest('base64'),
} as const

/** Later than any test runs. */
const RETAINED_UNTIL = new Date('2099-01-01T00:00:00Z')

/**
 * Something of every kind that a store keeps. Content follows from the key alone (contentBytes), so that it can be looked at
 * years later. `large`: with an upload of several parts, of which all but the last have 5 MiB at least.
 */
export async function fillStore(server: ServerAddress, { large = true } = {}): Promise<void> {
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const owner = await keyOwner(server.controlUrl)
  try {
    await fillPlain(s3, large)
    await fillVersions(s3)
    await fillUnderKeys(s3, owner, large)
    await fillLocked(s3)
    await fillSettings(s3, server)
    await fillIdentities(server)
  } finally {
    s3.destroy()
  }
}

type KeyOwner = Awaited<ReturnType<typeof keyOwner>>

const put = (s3: S3Client, Bucket: string, Key: string, bytes: number, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: contentBytes(Key, bytes), ...more }))

async function fillPlain(s3: S3Client, large: boolean): Promise<void> {
  await makeBucket(s3, 'plain')
  await put(s3, 'plain', 'empty', 0)
  await put(s3, 'plain', 'small', 100, {
    Metadata: { colour: 'blue' },
    ContentType: 'text/plain',
    CacheControl: 'no-store',
  })
  await put(s3, 'plain', 'odd/名前 ü/😀', 3000, { ChecksumAlgorithm: 'CRC32C' })
  for (let at = 0; at < 20; at++) await put(s3, 'plain', `many/${at}`, 5000 + at)
  await put(s3, 'plain', 'overwritten', 10_000)
  await put(s3, 'plain', 'overwritten', 20_000)
  await put(s3, 'plain', 'gone', 7000)
  await s3.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'gone' }))
  await put(s3, 'plain', 'tagged', 500, { Tagging: 'a=1&b=two' })
  await put(s3, 'plain', 'appended', 1000)
  await s3.send(
    new PutObjectCommand({ Bucket: 'plain', Key: 'appended', WriteOffsetBytes: 1000, Body: contentBytes('more', 700) }),
  )
  await put(s3, 'plain', 'before', 4000)
  await s3.send(new RenameObjectCommand({ Bucket: 'plain', Key: 'after', RenameSource: 'before' }))
  await s3.send(new CopyObjectCommand({ Bucket: 'plain', Key: 'copy', CopySource: 'plain/small' }))
  const house = { s3, bucket: 'plain' }
  await put(s3, 'plain', 'large', large ? 700_000 : 280_000)
  // Only the last part of an upload may be small.
  const parts = [...(large ? [contentBytes('part-1', MIN_PART_BYTES)] : []), contentBytes('part-2', 30_000)]
  await uploadInParts(house, 'in-parts', parts)
  const open = await createUpload(house, 'open-upload', { Metadata: { open: 'yes' } })
  await sendPart(house, 'open-upload', open, 1, contentBytes('open-1', 60_000))
  await sendPart(house, 'open-upload', open, 2, contentBytes('open-2', 5000))
  const aborted = await createUpload(house, 'aborted')
  await sendPart(house, 'aborted', aborted, 1, contentBytes('aborted', 5000))
  await s3.send(new AbortMultipartUploadCommand({ Bucket: 'plain', Key: 'aborted', UploadId: aborted }))
}

async function fillVersions(s3: S3Client): Promise<void> {
  const set = (Status: 'Enabled' | 'Suspended') =>
    s3.send(new PutBucketVersioningCommand({ Bucket: 'versions', VersioningConfiguration: { Status } }))
  await makeBucket(s3, 'versions')
  await put(s3, 'versions', 'old', 100)
  await set('Enabled')
  for (const bytes of [200, 300, 400]) await put(s3, 'versions', 'old', bytes)
  await put(s3, 'versions', 'deleted', 500)
  await s3.send(new DeleteObjectCommand({ Bucket: 'versions', Key: 'deleted' }))
  await set('Suspended')
  await put(s3, 'versions', 'old', 600)
  await put(s3, 'versions', 'null', 700)
}

async function fillUnderKeys(s3: S3Client, owner: KeyOwner, large: boolean): Promise<void> {
  const root = await owner.newKey('customer-root')
  await makeBucket(s3, 'customer', root.crn)
  await put(s3, 'customer', 'before-rotation', 3000)
  await owner.act(root.id, 'rotate')
  await put(s3, 'customer', 'after-rotation', large ? 400_000 : 4000)
  await owner.call('POST', `/api/v2/keys/${root.id}/aliases/payroll`)
  await owner.call('POST', '/api/v2/key_rings/ring-1')
  const imported = await owner.newKey('imported-root', { payload: contentBytes('imported', 32).toString('base64') })
  await owner.newKey('standard', { extractable: true })
  const disabled = await owner.newKey('disabled-root')
  await makeBucket(s3, 'disabled', disabled.crn)
  await put(s3, 'disabled', 'unreadable', 900)
  await owner.act(disabled.id, 'disable')
  const deleted = await owner.newKey('deleted-root')
  await owner.remove(deleted.id)
  await makeBucket(s3, 'modes')
  await takeCustomerKeys(s3, 'modes')
  await put(s3, 'modes', 'kms', 1000, {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: imported.crn,
    SSEKMSEncryptionContext: Buffer.from('{"team":"blue"}').toString('base64'),
  })
  await put(s3, 'modes', 'bucket-key', 1100, {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: root.crn,
    BucketKeyEnabled: true,
  })
  await put(s3, 'modes', 'dsse', 70_000, { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: root.crn })
  await put(s3, 'modes', 'sse-c', 1300, CUSTOMER_KEY_HEADERS)
}

async function fillLocked(s3: S3Client): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
  const { VersionId } = await put(s3, 'locked', 'retained', 800)
  const version = { Bucket: 'locked', Key: 'retained', VersionId }
  await s3.send(
    new PutObjectRetentionCommand({ ...version, Retention: { Mode: 'COMPLIANCE', RetainUntilDate: RETAINED_UNTIL } }),
  )
  await put(s3, 'locked', 'held', 801)
  await s3.send(new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: 'held', LegalHold: { Status: 'ON' } }))
}

async function fillSettings(s3: S3Client, server: ServerAddress): Promise<void> {
  const Bucket = 'plain'
  const Statement = [
    { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: 'arn:aws:s3:::plain/denied/*' },
  ]
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'cost', Value: 'centre' }] } }))
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'small', Tagging: { TagSet: [{ Key: 'x', Value: 'y' }] } }))
  const CORSRules = [{ AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] }]
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  const Rules = [{ ID: 'old', Status: 'Enabled' as const, Filter: { Prefix: 'tmp/' }, Expiration: { Days: 365 } }]
  await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
  const token = await iamToken(server.controlUrl)
  const patch = { hard_quota: 10 ** 9, activity_tracking: { read_data_events: true } }
  const { status } = await sendConfig(server.controlUrl, Bucket, token, { patch })
  if (status >= 300) throw new Error(`the quota was answered ${status}`)
}

async function fillIdentities({ s3Url, controlUrl }: ServerAddress): Promise<void> {
  const iam = queryApi(s3Url, 'iam')
  const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${mainAccount.id}:root` }, Action: 'sts:AssumeRole' }
  const read = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::plain/*' }
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  const calls = [
    ['CreateUser', { UserName: 'anna' }],
    ['PutUserPolicy', { UserName: 'anna', PolicyName: 'read', PolicyDocument: document(read) }],
    ['CreateGroup', { GroupName: 'readers' }],
    ['AddUserToGroup', { GroupName: 'readers', UserName: 'anna' }],
    ['CreateRole', { RoleName: 'auditor', AssumeRolePolicyDocument: document(trust) }],
    ['CreatePolicy', { PolicyName: 'managed', PolicyDocument: document(read) }],
  ] as const
  for (const [action, parameters] of calls) {
    const { outcome, body } = await iam(action, parameters)
    if (outcome !== '200') throw new Error(`${action} was answered ${outcome}: ${body}`)
  }
  const owner = await keyOwner(controlUrl)
  const made = await owner.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'robot' })
  if (made.status >= 300) throw new Error(`the service id was answered ${made.status}`)
}
