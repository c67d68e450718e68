import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { contentBytes } from './content.ts'
import { keyOwner } from './keys.ts'
import { createUpload, MIN_PART_BYTES, sendPart, uploadInParts } from './multipart.ts'
import { type ObjectHouse, startObjectHouse } from './object-house.ts'
import { makeBucket, takeCustomerKeys } from './s3.ts'

export const CUSTOMER_KEY = contentBytes('a key of a customer', 32)
const customer = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: CUSTOMER_KEY.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(CUSTOMER_KEY).digest('base64'),
}

export interface Stored {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly isCurrent: boolean
  readonly etag: string
  readonly bytes: Buffer
}

export interface AllKinds {
  /** Has `data`, `data.key` and `slow`, the directory of STANDARD_IA. Its server has stopped. */
  readonly directory: string
  /** Every version of every object, as S3 gave it. */
  readonly stored: readonly Stored[]
}

export const HOSTILE_NAMES = [
  '../../escape',
  '/etc/passwd',
  'a',
  'a/b',
  'a//b',
  '.',
  'x/../y',
  'line\nfeed',
  'n\u00fcl ☃',
]

/** A data directory of a real server with whatever a bucket may hold, in two runs of it. */
export async function allKinds(directory: string): Promise<AllKinds> {
  const settings = { COFFER_STORAGE_CLASSES: `STANDARD_IA=${join(directory, 'slow')}` }
  const first = await startObjectHouse({ directory, settings })
  await fillPlain(first)
  await fillKeys(first)
  await first.stop()
  // LevelDB's tables are written when it is opened again.
  const again = await startObjectHouse({ directory, settings, isFilled: true })
  await again.put('of the second run', contentBytes('second', 70_000))
  await again.s3.send(new DeleteObjectCommand({ Bucket: again.bucket, Key: 'gone' }))
  const stored = await storedIn(again)
  await again.stop()
  return { directory, stored }
}

async function fillPlain(test: ObjectHouse): Promise<void> {
  const { put, s3, bucket } = test
  const Metadata = { colour: 'green' }
  await put('empty', Buffer.alloc(0))
  await put('gone', contentBytes('gone', 1000))
  await put('small', contentBytes('small', 5000), { Metadata, ContentType: 'text/x-secret', CacheControl: 'no-store' })
  await put('large', contentBytes('large', 3_000_001))
  await put('of another class', contentBytes('class', 200_000), { StorageClass: 'STANDARD_IA' })
  await put('k'.repeat(1024), contentBytes('long name', 10))
  for (const name of HOSTILE_NAMES) await sendNamed(s3, bucket, name)
  await uploadInParts(test, 'in parts', [contentBytes('one', MIN_PART_BYTES), contentBytes('two', 100_000)])
  await sendPart(test, 'unfinished', await createUpload(test, 'unfinished'), 1, contentBytes('unfinished', 80_000))
  await s3.send(
    new PutObjectTaggingCommand({ Bucket: bucket, Key: 'small', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
  )
  await put('renamed before', contentBytes('renamed', 6000))
  await s3.send(new RenameObjectCommand({ Bucket: bucket, Key: 'renamed', RenameSource: 'renamed before' }))
  await appendOften(test, 'appended')

  await s3.send(new CreateBucketCommand({ Bucket: 'versions' }))
  await s3.send(new PutObjectCommand({ Bucket: 'versions', Key: 'v', Body: contentBytes('null version', 300) }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versions', VersioningConfiguration }))
  for (const number of [1, 2, 3])
    await s3.send(
      new PutObjectCommand({ Bucket: 'versions', Key: 'v', Body: contentBytes(`version ${number}`, 40_000) }),
    )
  await s3.send(new PutObjectCommand({ Bucket: 'versions', Key: 'deleted', Body: contentBytes('deleted', 100) }))
  await s3.send(new DeleteObjectCommand({ Bucket: 'versions', Key: 'deleted' }))
}

const sendNamed = (s3: S3Client, Bucket: string, Key: string) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: contentBytes(`named ${Key}`, 50) }))

/** So many parts that the manifest is a blob of its own. */
async function appendOften({ put }: ObjectHouse, key: string): Promise<void> {
  await put(key, 'begin')
  for (let at = 5; at < 5 + 7 * 520; at += 7) await put(key, 'and on ', { WriteOffsetBytes: at })
}

async function fillKeys(test: ObjectHouse): Promise<void> {
  const { s3 } = test
  const owner = await keyOwner(test.controlUrl)
  const short = await owner.newKey('imported, 16 bytes', {
    payload: contentBytes('short material', 16).toString('base64'),
  })
  const long = await owner.newKey('made here')
  await takeCustomerKeys(s3, test.bucket)
  await test.put('sse-c', contentBytes('sse-c', 150_000), customer)
  const parts = [contentBytes('c one', MIN_PART_BYTES), contentBytes('c two', 10)]
  await uploadInParts(test, 'sse-c in parts', parts, { create: customer, part: customer, complete: customer })
  await makeBucket(s3, 'customer-managed', short.crn)
  const put = (Key: string, more: Partial<PutObjectCommandInput> = {}, size = 90_000) =>
    s3.send(
      new PutObjectCommand({ Bucket: 'customer-managed', Key, Body: contentBytes(`managed ${Key}`, size), ...more }),
    )
  await put('before the rotation')
  const payload = contentBytes('newer material', 24).toString('base64')
  await owner.call('POST', `/api/v2/keys/${short.id}/actions/rotate`, { payload })
  await test.house.objects.rewraps.idle()
  await put('after the rotation')
  await put('small', {}, 12)
  const SSEKMSEncryptionContext = Buffer.from(JSON.stringify({ b: 'ö', a: '1' })).toString('base64')
  for (const BucketKeyEnabled of [false, true]) {
    for (const ServerSideEncryption of ['aws:kms', 'aws:kms:dsse'] as const) {
      const kms = { ServerSideEncryption, SSEKMSKeyId: long.crn, SSEKMSEncryptionContext }
      // Objects in two layers take no bucket keys.
      const more = ServerSideEncryption === 'aws:kms' ? { ...kms, BucketKeyEnabled } : kms
      await put(`${ServerSideEncryption} ${BucketKeyEnabled}`, more)
    }
  }
  await put('two layers, empty', { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: long.crn }, 0)
  await owner.act(long.id, 'rotate')
}

export async function storedIn({ s3 }: Pick<ObjectHouse, 's3'>): Promise<Stored[]> {
  const stored: Stored[] = []
  for (const Bucket of ['customer-managed', 'objects', 'versions']) {
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    for (const { Key = '', VersionId = '', IsLatest: isCurrent = false } of Versions) {
      const key = Key.startsWith('sse-c') ? customer : {}
      const reply = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId, ...key }))
      const bytes = Buffer.from((await reply.Body?.transformToByteArray()) ?? [])
      const etag = (reply.ETag ?? '').replaceAll('"', '')
      stored.push({ bucket: Bucket, key: Key, versionId: VersionId, isCurrent, etag, bytes })
    }
  }
  return stored
}
