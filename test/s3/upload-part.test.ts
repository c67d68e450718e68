import { createHash } from 'node:crypto'
import { UploadPartCommand, type UploadPartCommandInput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, MIN_PART_BYTES, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
let uploadId = ''
beforeAll(async () => {
  test = await startObjectHouse()
  uploadId = await createUpload(test, 'key')
})
afterAll(() => test[Symbol.asyncDispose]())

const upload = (more: Partial<UploadPartCommandInput>) =>
  test.s3.send(
    new UploadPartCommand({ Bucket: test.bucket, Key: 'key', UploadId: uploadId, PartNumber: 1, Body: 'x', ...more }),
  )

describe('UploadPart', () => {
  it.each([0, 1, 65_536, 262_145, 700_000])('answers the MD5 of %i bytes as ETag', async (size) => {
    const body = contentBytes('part', size)
    const { ETag, ServerSideEncryption } = await upload({ Body: body })
    expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`)
    expect(ServerSideEncryption).toBe('AES256')
  })

  it.each(['0', '10001', '-1', 'one', '1.5', '', '99999999999999999999'])(
    'refuses the number %j',
    async (partNumber) => {
      const reply = await test.raw({ method: 'PUT', key: 'key', query: { partNumber, uploadId }, body: 'x' })
      expect(outcome(reply)).toBe('400 InvalidArgument')
    },
  )

  it.each([1, 10_000])('takes the number %i', async (number) => {
    expect(await refusal(upload({ PartNumber: number }))).toBe('200')
  })

  it('needs an upload of that very key', async () => {
    for (const id of ['', 'nonsense', '0'.repeat(32), '../../x', `${uploadId}0`]) {
      const reply = await test.raw({ method: 'PUT', key: 'key', query: { partNumber: '1', uploadId: id }, body: 'x' })
      expect(outcome(reply), id).toBe('404 NoSuchUpload')
      expect(reply.body.toString()).toContain(`<UploadId>${id}</UploadId>`)
    }
    expect(await refusal(upload({ Key: 'other' }))).toBe('404 NoSuchUpload')
    expect(await refusal(upload({ Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })

  it('replaces a part of the same number, and frees the disk of the one before', async () => {
    const before = await test.blobs()
    const id = await createUpload(test, 'again')
    await sendPart(test, 'again', id, 1, contentBytes('first try', 600_000))
    const last = await sendPart(test, 'again', id, 1, contentBytes('second try', 600_000))
    expect(await test.blobs()).toHaveLength(before.length + 1)
    await complete(test, 'again', id, [last])
    expect((await test.get('again')).bytes.equals(contentBytes('second try', 600_000))).toBe(true)
  })

  it('keeps one of the bodies when a number is uploaded many times at once', async () => {
    const before = await test.blobs()
    const id = await createUpload(test, 'at once')
    const parts = await Promise.all(
      Array.from({ length: 8 }, (_, index) => sendPart(test, 'at once', id, 1, contentBytes(`try ${index}`, 300_000))),
    )
    expect(await test.blobs()).toHaveLength(before.length + 1)
    const outcomes: string[] = []
    for (const part of parts) outcomes.push(await refusal(complete(test, 'at once', id, [part])))
    expect(outcomes.filter((one) => one === '200').length).toBeGreaterThan(0)
    const winner = outcomes.indexOf('200')
    expect((await test.get('at once')).bytes.equals(contentBytes(`try ${winner}`, 300_000))).toBe(true)
  })

  it('that does not verify leaves the part before as it was', async () => {
    const id = await createUpload(test, 'damaged')
    const part = await sendPart(test, 'damaged', id, 1, 'right')
    const before = await test.blobs()
    const query = { partNumber: '1', uploadId: id }
    const body = contentBytes('wrong', 400_000)
    const bad = (headers: Record<string, string>, payload?: string) =>
      test.raw({ method: 'PUT', key: 'damaged', query, body, headers, ...(payload ? { payload } : {}) })
    expect(outcome(await bad({ 'content-md5': Buffer.alloc(16).toString('base64') }))).toBe('400 BadDigest')
    expect(outcome(await bad({ 'x-amz-checksum-crc32': 'AAAAAA==' }))).toBe('400 BadDigest')
    expect(outcome(await bad({}, '0'.repeat(64)))).toBe('400 XAmzContentSHA256Mismatch')
    expect(await test.blobs()).toEqual(before)
    await complete(test, 'damaged', id, [part])
    expect((await test.get('damaged')).bytes.toString()).toBe('right')
  })

  it('refuses another checksum than the upload was created with', async () => {
    const id = await createUpload(test, 'sums', { ChecksumAlgorithm: 'SHA256' })
    expect(await refusal(upload({ Key: 'sums', UploadId: id, ChecksumAlgorithm: 'CRC32' }))).toBe('400 InvalidRequest')
    const { ChecksumSHA256 } = await upload({ Key: 'sums', UploadId: id, ChecksumAlgorithm: 'SHA256' })
    expect(ChecksumSHA256).toBe(createHash('sha256').update('x').digest('base64'))
  })

  it('refuses customer keys that are not whole', async () => {
    const headers = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }
    expect(
      outcome(await test.raw({ method: 'PUT', key: 'key', query: { partNumber: '1', uploadId }, body: 'x', headers })),
    ).toBe('400 InvalidArgument')
  })

  it('that arrives while the upload is completed changes nothing of the object', async () => {
    for (let round = 0; round < 15; round++) {
      const key = `race-${round}`
      const id = await createUpload(test, key)
      const part = await sendPart(test, key, id, 1, contentBytes('in time', MIN_PART_BYTES / 10))
      const late = Array.from({ length: 3 }, (_, index) =>
        refusal(sendPart(test, key, id, 1, contentBytes(`late ${index}`, 1000 + round * 20_000))),
      )
      const completed = await refusal(complete(test, key, id, [part]))
      const outcomes = await Promise.all(late)
      if (completed !== '200') {
        // The part was replaced before: it is not the one that was named any more.
        expect(completed).toBe('400 InvalidPart')
        continue
      }
      expect(outcomes.filter((one) => one !== '200' && one !== '404 NoSuchUpload')).toEqual([])
      expect((await test.get(key)).bytes.equals(contentBytes('in time', MIN_PART_BYTES / 10))).toBe(true)
    }
  })
})
