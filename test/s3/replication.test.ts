import { randomBytes } from 'node:crypto'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type ReplicationRule,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filesUnder } from '../support/files-under.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import {
  bytesOf,
  described,
  head,
  isDone,
  PATIENCE,
  replicate,
  rule,
  statusOf,
  versioned,
  versionsOf,
} from '../support/replication.ts'
import { takeCustomerKeys } from '../support/s3.ts'

describe('Replication to a bucket of the same store', () => {
  let test: ObjectHouse
  beforeEach(async () => {
    test = await startObjectHouse()
    await test.s3.send(
      new PutBucketVersioningCommand({ Bucket: test.bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    await versioned(test.s3, 'there')
  })
  afterEach(() => test[Symbol.asyncDispose]())
  const toThere = (more: Partial<ReplicationRule> = {}) =>
    replicate(test.s3, test.bucket, rule('arn:aws:s3:::there', more))

  it('copies what is written, with all that is said of it, under the same version id', async () => {
    await toThere()
    const { VersionId } = await test.put('key', 'content', {
      ...{ ContentType: 'text/plain', CacheControl: 'no-cache', ContentLanguage: 'de', Metadata: { colour: 'blue' } },
      ...{ Tagging: 'a=1&b=2', ChecksumAlgorithm: 'SHA256' },
    })
    await isDone(test.s3, test.bucket, 'key')
    const [source, replica] = await Promise.all([
      head(test.s3, test.bucket, 'key'),
      head(test.s3, 'there', 'key', { VersionId: VersionId ?? '' }),
    ])
    expect(replica.ReplicationStatus).toBe('REPLICA')
    expect(described(replica)).toEqual(described(source))
    expect((await bytesOf(test.s3, 'there', 'key')).toString()).toBe('content')
    const tags = await test.s3.send(new GetObjectTaggingCommand({ Bucket: 'there', Key: 'key' }))
    expect(tags.TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ])
  })

  it('keeps the parts of an upload, and its ETag', async () => {
    await toThere()
    const bodies = [randomBytes(MIN_PART_BYTES), randomBytes(MIN_PART_BYTES + 1), randomBytes(100)]
    await uploadInParts(test, 'large', bodies, {
      create: { ChecksumAlgorithm: 'CRC32C', Metadata: { a: 'b' } },
      part: { ChecksumAlgorithm: 'CRC32C' },
    })
    await isDone(test.s3, test.bucket, 'large')
    expect(described(await head(test.s3, 'there', 'large'))).toEqual(
      described(await head(test.s3, test.bucket, 'large')),
    )
    expect((await bytesOf(test.s3, 'there', 'large')).equals(Buffer.concat(bodies))).toBe(true)
  })

  it('copies what rules ask for, and nothing that was there before', async () => {
    await test.put('in/before', 'x')
    await toThere({
      Filter: { And: { Prefix: 'in/', Tags: [{ Key: 'k', Value: 'v' }] } },
      DeleteMarkerReplication: { Status: 'Disabled' },
    })
    await test.put('in/untagged', 'x')
    await test.put('out', 'x', { Tagging: 'k=v' })
    await test.put('in/tagged', 'x', { Tagging: 'j=w&k=v' })
    await isDone(test.s3, test.bucket, 'in/tagged')
    for (const key of ['in/before', 'in/untagged', 'out']) {
      expect(await statusOf(test.s3, test.bucket, key)).toBeUndefined()
    }
    expect((await versionsOf(test.s3, 'there')).map((one) => one.split(' ')[0])).toEqual(['in/tagged'])
  })

  it('sends to each destination by the rule of the highest priority', async () => {
    await versioned(test.s3, 'second')
    await replicate(
      test.s3,
      test.bucket,
      rule('arn:aws:s3:::there', { ID: 'a', Priority: 1 }),
      rule('arn:aws:s3:::second', { ID: 'b', Priority: 2, DeleteMarkerReplication: { Status: 'Disabled' } }),
      rule('arn:aws:s3:::second', { ID: 'c', Priority: 0 }),
    )
    const { VersionId: first } = await test.put('key', 'x')
    await isDone(test.s3, test.bucket, 'key')
    const { VersionId: marker } = await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'key' }))
    await expect.poll(() => versionsOf(test.s3, 'there'), PATIENCE).toEqual([`-key ${marker} latest`, `key ${first}`])
    expect(await versionsOf(test.s3, 'second')).toEqual([`key ${first} latest`])
  })

  it('follows versions and delete markers in their order, and never what is deleted for good', async () => {
    await toThere()
    const ids: string[] = []
    for (const body of ['one', 'two', 'three']) ids.push((await test.put('key', body)).VersionId ?? '')
    const { VersionId: marker } = await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'key' }))
    ids.push((await test.put('key', 'four')).VersionId ?? '')
    await isDone(test.s3, test.bucket, 'key')
    const all = await versionsOf(test.s3, test.bucket)
    expect(all).toHaveLength(5)
    await expect.poll(() => versionsOf(test.s3, 'there'), PATIENCE).toEqual(all)
    for (const VersionId of [ids[0], marker]) {
      await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'key', VersionId }))
    }
    await test.put('last', 'x')
    await isDone(test.s3, test.bucket, 'last')
    expect((await versionsOf(test.s3, 'there')).filter((one) => !one.startsWith('last'))).toEqual(all)
  })

  it('sends changes of tags after the version', async () => {
    await toThere()
    const { VersionId } = await test.put('key', 'x', { Tagging: 'a=1' })
    await isDone(test.s3, test.bucket, 'key')
    const TagSet = [{ Key: 'a', Value: '2' }]
    const before = await versionsOf(test.s3, 'there')
    await test.s3.send(new PutObjectTaggingCommand({ Bucket: test.bucket, Key: 'key', Tagging: { TagSet } }))
    const there = { Bucket: 'there', Key: 'key', VersionId }
    await expect
      .poll(async () => (await test.s3.send(new GetObjectTaggingCommand(there))).TagSet, PATIENCE)
      .toEqual(TagSet)
    await isDone(test.s3, test.bucket, 'key')
    expect(await versionsOf(test.s3, 'there')).toEqual(before)
    expect(await statusOf(test.s3, 'there', 'key')).toBe('REPLICA')
  })

  it('keeps retention and holds, and asks for Object Lock at both ends', async () => {
    await versioned(test.s3, 'kept', true)
    expect(await refusal(replicate(test.s3, 'kept', rule('arn:aws:s3:::there')))).toBe('400 InvalidRequest')
    await versioned(test.s3, 'kept-there', true)
    await replicate(test.s3, 'kept', rule('arn:aws:s3:::kept-there'))
    const until = new Date(Date.now() + 3_600_000)
    await test.s3.send(
      new PutObjectCommand({
        ...{ Bucket: 'kept', Key: 'key', Body: 'x', ChecksumAlgorithm: 'CRC32' },
        ...{ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until },
      }),
    )
    await isDone(test.s3, 'kept', 'key')
    const there = { Bucket: 'kept-there', Key: 'key' }
    const retention = async () => (await test.s3.send(new GetObjectRetentionCommand(there))).Retention
    expect(await retention()).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: until })
    const longer = new Date(Date.now() + 7_200_000)
    const source = { Bucket: 'kept', Key: 'key' }
    await test.s3.send(
      new PutObjectRetentionCommand({ ...source, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: longer } }),
    )
    await expect.poll(retention, PATIENCE).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: longer })
    await test.s3.send(new PutObjectLegalHoldCommand({ ...source, LegalHold: { Status: 'ON' } }))
    const hold = () => test.s3.send(new GetObjectLegalHoldCommand(there)).then(({ LegalHold }) => LegalHold?.Status)
    await expect.poll(() => hold().catch(() => undefined), PATIENCE).toBe('ON')
  })

  it('sends no replica on', async () => {
    await toThere()
    await replicate(test.s3, 'there', rule(`arn:aws:s3:::${test.bucket}`))
    await test.put('a', 'x')
    await test.s3.send(new PutObjectCommand({ Bucket: 'there', Key: 'b', Body: 'y' }))
    await isDone(test.s3, test.bucket, 'a')
    await isDone(test.s3, 'there', 'b')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'a' }))
    await expect.poll(() => versionsOf(test.s3, 'there'), PATIENCE).toHaveLength(3)
    await test.put('c', 'x')
    await isDone(test.s3, test.bucket, 'c')
    expect(await versionsOf(test.s3, test.bucket)).toEqual(await versionsOf(test.s3, 'there'))
    expect(await statusOf(test.s3, 'there', 'c')).toBe('REPLICA')
    expect(await statusOf(test.s3, test.bucket, 'b')).toBe('REPLICA')
  })

  it('leaves alone what needs its customer’s key, and asks before it copies what lies under a root key of a customer’s', async () => {
    await toThere()
    await takeCustomerKeys(test.s3, test.bucket)
    const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
    await test.put('customer', 'x', customer)
    await test.put('kms', 'x', { ServerSideEncryption: 'aws:kms' })
    expect(
      (await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'customer', ...customer })))
        .ReplicationStatus,
    ).toBeUndefined()
    expect(await statusOf(test.s3, test.bucket, 'kms')).toBeUndefined()
    await toThere({
      SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
      Destination: {
        Bucket: 'arn:aws:s3:::there',
        EncryptionConfiguration: { ReplicaKmsKeyID: 'alias/aws/s3' },
      },
    })
    await test.put('kms', 'y', { ServerSideEncryption: 'aws:kms' })
    await isDone(test.s3, test.bucket, 'kms')
    const replica = await head(test.s3, 'there', 'kms')
    expect([replica.ServerSideEncryption, replica.SSEKMSKeyId]).toEqual(['aws:kms', 'alias/aws/s3'])
  })

  it('says FAILED while it is refused, and goes on trying', async () => {
    await toThere()
    await test.put('first', 'x')
    await isDone(test.s3, test.bucket, 'first')
    await test.s3.send(
      new PutBucketVersioningCommand({ Bucket: 'there', VersioningConfiguration: { Status: 'Suspended' } }),
    )
    await test.put('key', 'x')
    await expect.poll(() => statusOf(test.s3, test.bucket, 'key'), PATIENCE).toBe('FAILED')
    await test.s3.send(
      new PutBucketVersioningCommand({ Bucket: 'there', VersioningConfiguration: { Status: 'Enabled' } }),
    )
    await isDone(test.s3, test.bucket, 'key')
    expect((await bytesOf(test.s3, 'there', 'key')).toString()).toBe('x')
  })

  it('copies copies, and leaves nothing in clear on the disk', async () => {
    await toThere()
    const secret = 'a body that nobody may read on the disk'
    await test.put('name-of-a-replica', secret, { Metadata: { note: 'metadata-in-clear' }, Tagging: 'tag-in-clear=1' })
    await test.s3.send(
      new CopyObjectCommand({ Bucket: test.bucket, Key: 'copy', CopySource: `${test.bucket}/name-of-a-replica` }),
    )
    await isDone(test.s3, test.bucket, 'copy')
    await isDone(test.s3, test.bucket, 'name-of-a-replica')
    await test.stop()
    for (const [file, bytes] of await filesUnder(test.dataDir)) {
      for (const text of [secret, 'metadata-in-clear', 'tag-in-clear', 'COMPLETED', 'REPLICA', 'sequencer']) {
        expect([file, text, bytes.includes(text)]).toEqual([file, text, false])
      }
    }
    test = await startObjectHouse()
  })
})
