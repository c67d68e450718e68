import {
  GetObjectAttributesCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'
import { type Algorithm, base64, composite } from '../support/reference-checksums.ts'
import { takeCustomerKeys } from '../support/s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const append = (Key: string, WriteOffsetBytes: number, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  test.s3.send(new PutObjectCommand({ Bucket: test.bucket, Key, WriteOffsetBytes, Body, ...more }))
const head = (Key: string) => test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key, ChecksumMode: 'ENABLED' }))

describe('A PUT with a write offset', () => {
  it('makes an object, and adds to its end', async () => {
    const first = await append('log', 0, 'one ', { ContentType: 'text/plain', Metadata: { a: 'b' }, Tagging: 'c=d' })
    expect(first.Size).toBe(4)
    const second = await append('log', 4, 'two')
    expect(second).toMatchObject({ Size: 7, ServerSideEncryption: 'AES256' })
    const got = await test.get('log')
    expect(got.bytes.toString()).toBe('one two')
    expect(got).toMatchObject({ ETag: second.ETag, ContentType: 'text/plain', Metadata: { a: 'b' }, TagCount: 1 })
    expect((await test.get('log', { Range: 'bytes=2-5' })).bytes.toString()).toBe('e tw')
    expect((await test.get('log', { PartNumber: 2 })).bytes.toString()).toBe('two')
  })

  it('adds to what was uploaded in parts', async () => {
    const parts = [contentBytes('one', MIN_PART_BYTES), contentBytes('two', 10)]
    await uploadInParts(test, 'parts', parts)
    await append('parts', MIN_PART_BYTES + 10, 'three')
    expect((await test.get('parts')).bytes.equals(Buffer.concat([...parts, Buffer.from('three')]))).toBe(true)
  })

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('goes on with a %s of all bytes', async (algorithm) => {
    const Key = `sum ${algorithm}`
    await append(Key, 0, 'one ', { ChecksumAlgorithm: algorithm })
    await append(Key, 4, 'two', { ChecksumAlgorithm: algorithm })
    expect(await head(Key)).toMatchObject({
      [`Checksum${algorithm}`]: base64(algorithm, 'one two'),
      ChecksumType: 'FULL_OBJECT',
    })
  })

  it.each(['SHA1', 'SHA256'] satisfies Algorithm[])('has a %s of the parts from then on', async (algorithm) => {
    const Key = `sum ${algorithm}`
    await append(Key, 0, 'one ', { ChecksumAlgorithm: algorithm })
    await append(Key, 4, 'two', { ChecksumAlgorithm: algorithm })
    const pieces = [Buffer.from('one '), Buffer.from('two')]
    expect(await head(Key)).toMatchObject({
      ...{ [`Checksum${algorithm}`]: composite(algorithm, pieces), ChecksumType: 'COMPOSITE' },
    })
    const command = new GetObjectAttributesCommand({ Bucket: test.bucket, Key, ObjectAttributes: ['ObjectParts'] })
    expect((await test.s3.send(command)).ObjectParts?.Parts).toEqual(
      pieces.map((piece, index) => ({
        ...{ PartNumber: index + 1, Size: piece.length, [`Checksum${algorithm}`]: base64(algorithm, piece) },
      })),
    )
  })

  it('refuses another checksum than the object has, and one that is wrong', async () => {
    await append('sums', 0, 'one', { ChecksumAlgorithm: 'SHA256' })
    expect(await refusal(append('sums', 3, 'x', { ChecksumAlgorithm: 'CRC32' }))).toBe('400 InvalidRequest')
    const wrong = append('sums', 3, 'x', { ChecksumSHA256: base64('SHA256', 'y') })
    expect(await refusal(wrong)).toBe('400 BadDigest')
    expect((await test.get('sums')).bytes.toString()).toBe('one')
  })

  it('adds to what needs its customer’s key only with that key', async () => {
    await takeCustomerKeys(test.s3, test.bucket)
    const keyOf = (seed: string) => ({
      ...{ SSECustomerAlgorithm: 'AES256', SSECustomerKey: contentBytes(seed, 32).toString('base64') },
    })
    const send = (offset: number, body: string, more: object) => append('keyed', offset, body, more)
    await send(0, 'one ', keyOf('mine'))
    expect(await refusal(send(4, 'two', {}))).toBe('400 InvalidRequest')
    expect(await refusal(send(4, 'two', keyOf('another')))).toBe('403 AccessDenied')
    await send(4, 'two', keyOf('mine'))
    expect((await test.get('keyed', keyOf('mine'))).bytes.toString()).toBe('one two')
  })

  it.each([
    ['elsewhere than at the end', { 'x-amz-write-offset-bytes': '3' }, '400 InvalidWriteOffset'],
    ['where no number is', { 'x-amz-write-offset-bytes': '-1' }, '400 InvalidArgument'],
    ['with metadata', { 'x-amz-write-offset-bytes': '4', 'x-amz-meta-a': 'b' }, '400 InvalidRequest'],
    ['with tags', { 'x-amz-write-offset-bytes': '4', 'x-amz-tagging': 'a=b' }, '400 InvalidRequest'],
    [
      'with a storage class',
      { 'x-amz-write-offset-bytes': '4', 'x-amz-storage-class': 'STANDARD' },
      '400 InvalidRequest',
    ],
    [
      'with another encryption',
      { 'x-amz-write-offset-bytes': '4', 'x-amz-server-side-encryption': 'AES256' },
      '400 InvalidRequest',
    ],
    ['to what has changed', { 'x-amz-write-offset-bytes': '4', 'if-match': '"other"' }, '412 PreconditionFailed'],
  ])('is refused %s, and nothing changes', async (_what, headers, expected) => {
    await test.put('refused', 'four')
    expect(outcome(await test.raw({ method: 'PUT', key: 'refused', body: 'more', headers }))).toBe(expected)
    expect((await test.get('refused')).bytes.toString()).toBe('four')
  })

  it('has nothing to add to where there is nothing', async () => {
    expect(await refusal(append('missing', 4, 'x'))).toBe('404 NoSuchKey')
  })

  it('stores no byte in clear', async () => {
    await append('sealed', 0, 'needle-in-the-first-part')
    await append('sealed', 24, 'needle-in-the-second-part')
    for (const [file, bytes] of await filesUnder(test.dataDir)) {
      expect([file, bytes.includes('needle-in')]).toEqual([file, false])
    }
  })

  it('is refused in a bucket with versions', async () => {
    await test.put('versioned', 'four')
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await test.s3.send(new PutBucketVersioningCommand({ Bucket: test.bucket, VersioningConfiguration }))
    expect(await refusal(append('versioned', 4, 'x'))).toBe('400 InvalidRequest')
    expect((await test.get('versioned')).bytes.toString()).toBe('four')
  })
})
