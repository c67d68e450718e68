import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  RenameObjectCommand,
  type RenameObjectCommandInput,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const rename = (RenameSource: string, Key: string, more: Partial<RenameObjectCommandInput> = {}) =>
  test.s3.send(new RenameObjectCommand({ Bucket: test.bucket, Key, RenameSource, ...more }))
const head = async (Key: string) => {
  const command = new HeadObjectCommand({ Bucket: test.bucket, Key, ChecksumMode: 'ENABLED' })
  const { $metadata: _, ...said } = await test.s3.send(command)
  return said
}
const keys = async (Prefix: string) =>
  (await test.s3.send(new ListObjectsV2Command({ Bucket: test.bucket, Prefix }))).Contents?.map(({ Key }) => Key)

describe('RenameObject', () => {
  it('gives an object another name, and changes nothing else', async () => {
    const told = {
      ContentType: 'text/plain',
      Metadata: { a: 'b' },
      Tagging: 'c=d',
      ChecksumAlgorithm: 'SHA256',
    } as const
    await test.put('a/old name', 'bytes', told)
    const before = await head('a/old name')
    await rename('a/old%20name', 'a/new name')
    expect(await head('a/new name')).toEqual(before)
    expect((await test.get('a/new name')).bytes.toString()).toBe('bytes')
    const tags = await test.s3.send(new GetObjectTaggingCommand({ Bucket: test.bucket, Key: 'a/new name' }))
    expect(tags.TagSet).toEqual([{ Key: 'c', Value: 'd' }])
    expect(await keys('a/')).toEqual(['a/new name'])
    await rename(`/${test.bucket}/a/new%20name`, 'a/third')
    expect(await keys('a/')).toEqual(['a/third'])
  })

  it('keeps the parts of an object, and its bytes are stored once', async () => {
    const parts = [contentBytes('one', MIN_PART_BYTES), contentBytes('two', 10)]
    const before = await test.blobs()
    await uploadInParts(test, 'parts', parts, { create: { ChecksumAlgorithm: 'CRC32' } })
    const said = await head('parts')
    await rename('parts', 'renamed parts')
    expect(await head('renamed parts')).toEqual(said)
    expect((await test.get('renamed parts', { PartNumber: 2 })).bytes.equals(contentBytes('two', 10))).toBe(true)
    expect((await test.get('renamed parts')).bytes.equals(Buffer.concat(parts))).toBe(true)
    expect(await test.blobs()).toHaveLength(before.length + 2)
  })

  it('replaces what has the name, unless a condition says otherwise', async () => {
    await test.put('one', '1')
    await test.put('two', '2')
    expect(await refusal(rename('one', 'two', { DestinationIfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect(await refusal(rename('one', 'two', { DestinationIfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect(await refusal(rename('one', 'two', { SourceIfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect(await refusal(rename('one', 'two', { SourceIfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect((await test.get('two')).bytes.toString()).toBe('2')
    const before = await test.blobs()
    const { ETag } = await head('one')
    await rename('one', 'two', { SourceIfMatch: ETag })
    expect((await test.get('two')).bytes.toString()).toBe('1')
    expect(await refusal(test.get('one'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toHaveLength(before.length - 1)
  })

  it('is done once for a token, however often it is asked for', async () => {
    await test.put('from', 'x')
    const ClientToken = 'token-1'
    await rename('from', 'to', { ClientToken })
    await rename('from', 'to', { ClientToken })
    expect(await refusal(rename('other', 'to', { ClientToken }))).toBe('400 IdempotentParameterMismatch')
    expect(await refusal(rename('from', 'to', { ClientToken: 'token-2' }))).toBe('404 NoSuchKey')
    expect((await test.get('to')).bytes.toString()).toBe('x')
  })

  it.each([
    ['no source', {}, '400 InvalidArgument'],
    ['an empty source', { 'x-amz-rename-source': '/objects/' }, '400 InvalidArgument'],
    ['its own name', { 'x-amz-rename-source': 'target' }, '400 InvalidRequest'],
    ['a source that is not there', { 'x-amz-rename-source': 'missing' }, '404 NoSuchKey'],
    [
      'a condition that would not be held to',
      { 'x-amz-rename-source': 'target', 'if-modified-since': new Date(0).toUTCString() },
      '501 NotImplemented',
    ],
  ])('is refused with %s', async (_what, headers, expected) => {
    await test.put('target', 'kept')
    const query = { renameObject: '' }
    expect(outcome(await test.raw({ method: 'PUT', key: 'target', query, headers }))).toBe(expected)
    expect((await test.get('target')).bytes.toString()).toBe('kept')
  })

  it('stores no byte in clear', async () => {
    await test.put('sealed', 'needle-in-a-renamed-object')
    await rename('sealed', 'sealed again')
    for (const [file, bytes] of await filesUnder(test.dataDir)) {
      expect([file, bytes.includes('needle-in')]).toEqual([file, false])
    }
  })

  it('is refused in a bucket with versions', async () => {
    await test.put('versioned', 'x')
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await test.s3.send(new PutBucketVersioningCommand({ Bucket: test.bucket, VersioningConfiguration }))
    expect(await refusal(rename('versioned', 'other'))).toBe('400 InvalidRequest')
  })
})
