import { createHash } from 'node:crypto'
import { UploadPartCopyCommand, type UploadPartCopyCommandInput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, MIN_PART_BYTES } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

const source = contentBytes('copied parts', 2 * MIN_PART_BYTES + 1000)

let test: ObjectHouse
let uploadId = ''
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('source', source)
  await test.put('empty', '')
  uploadId = await createUpload(test, 'target')
})
afterAll(() => test[Symbol.asyncDispose]())

const copyPart = (more: Partial<UploadPartCopyCommandInput> = {}) =>
  test.s3.send(
    new UploadPartCopyCommand({
      Bucket: test.bucket,
      Key: 'target',
      UploadId: uploadId,
      PartNumber: 1,
      CopySource: `${test.bucket}/source`,
      ...more,
    }),
  )

const md5 = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`

describe('UploadPartCopy', () => {
  it('copies a whole object', async () => {
    const { CopyPartResult, ServerSideEncryption } = await copyPart()
    expect(CopyPartResult?.ETag).toBe(md5(source))
    expect(CopyPartResult?.LastModified).toBeInstanceOf(Date)
    expect(ServerSideEncryption).toBe('AES256')
  })

  it.each([
    [0, 0],
    [65_535, 65_536],
    [MIN_PART_BYTES - 7, 2 * MIN_PART_BYTES],
    [2 * MIN_PART_BYTES + 999, 2 * MIN_PART_BYTES + 999],
  ])('copies the range %i-%i', async (first, last) => {
    const { CopyPartResult } = await copyPart({ CopySourceRange: `bytes=${first}-${last}` })
    expect(CopyPartResult?.ETag).toBe(md5(source.subarray(first, last + 1)))
  })

  it('makes an object of ranges that outlives its source', async () => {
    await test.put('short-lived', source)
    const id = await createUpload(test, 'assembled')
    const ranges = [`${MIN_PART_BYTES}-${2 * MIN_PART_BYTES + 10}`, `0-${MIN_PART_BYTES - 1}`, '5-9']
    const parts = await Promise.all(
      ranges.map(async (range, index) => {
        const input = {
          Key: 'assembled',
          UploadId: id,
          PartNumber: index + 1,
          CopySource: `${test.bucket}/short-lived`,
        }
        const { CopyPartResult } = await copyPart({ ...input, CopySourceRange: `bytes=${range}` })
        return { ETag: CopyPartResult?.ETag, PartNumber: index + 1 }
      }),
    )
    await test.raw({ method: 'DELETE', key: 'short-lived' })
    await complete(test, 'assembled', id, parts)
    const expected = ranges.map((range) => {
      const [first = 0, last = 0] = range.split('-').map(Number)
      return source.subarray(first, last + 1)
    })
    expect((await test.get('assembled')).bytes.equals(Buffer.concat(expected))).toBe(true)
  })

  it('computes the checksum that the upload asks for', async () => {
    const id = await createUpload(test, 'sums', { ChecksumAlgorithm: 'SHA256' })
    const { CopyPartResult } = await copyPart({ Key: 'sums', UploadId: id, CopySourceRange: 'bytes=0-99' })
    expect(CopyPartResult?.ChecksumSHA256).toBe(createHash('sha256').update(source.subarray(0, 100)).digest('base64'))
  })

  it.each(['bytes=0-', 'bytes=-5', '0-5', 'bytes=5-2', 'bytes=a-b', 'bytes=0-1,3-4', 'bytes=0', '', 'bytes = 0-1'])(
    'refuses the range %j',
    async (range) => {
      const headers = { 'x-amz-copy-source': `${test.bucket}/source`, 'x-amz-copy-source-range': range }
      expect(
        outcome(await test.raw({ method: 'PUT', key: 'target', query: { partNumber: '1', uploadId }, headers })),
      ).toBe('400 InvalidArgument')
    },
  )

  it('refuses a range that is not inside the source', async () => {
    for (const range of [`0-${source.length}`, `${source.length}-${source.length}`, '999999999-9999999999']) {
      expect(await refusal(copyPart({ CopySourceRange: `bytes=${range}` }))).toBe('416 InvalidRange')
    }
    expect(await refusal(copyPart({ CopySource: `${test.bucket}/empty`, CopySourceRange: 'bytes=0-0' }))).toBe(
      '416 InvalidRange',
    )
  })

  it.each<[Partial<UploadPartCopyCommandInput>, string]>([
    [{ CopySource: 'objects/missing' }, '404 NoSuchKey'],
    [{ CopySource: 'no-such-bucket/key' }, '404 NoSuchBucket'],
    [{ CopySource: `objects/source?versionId=${'x'.repeat(32)}` }, '404 NoSuchVersion'],
    [{ CopySource: 'objects/source?versionId=other' }, '400 InvalidArgument'],
    [{ CopySource: 'objects' }, '400 InvalidArgument'],
    [{ UploadId: '0'.repeat(32) }, '404 NoSuchUpload'],
    [{ PartNumber: 10_001 }, '400 InvalidArgument'],
    [{ CopySourceIfMatch: '"other"' }, '412 PreconditionFailed'],
    [{ CopySourceIfNoneMatch: '*' }, '412 PreconditionFailed'],
    [{ CopySourceIfUnmodifiedSince: new Date(0) }, '412 PreconditionFailed'],
    [{ CopySourceIfModifiedSince: new Date(Date.now() + 60_000) }, '412 PreconditionFailed'],
    [{ CopySourceSSECustomerAlgorithm: 'AES256' }, '400 InvalidArgument'],
    [{ SSECustomerAlgorithm: 'AES256' }, '400 InvalidArgument'],
  ])('refuses %j', async (more, expected) => {
    const before = await test.blobs()
    expect(await refusal(copyPart(more))).toBe(expected)
    expect(await test.blobs()).toEqual(before)
  })
})
