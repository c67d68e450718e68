import { AbortMultipartUploadCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, sendPart, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const abort = (key: string, uploadId: string, bucket = test.bucket) =>
  test.s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }))

describe('AbortMultipartUpload', () => {
  it('ends the upload and frees the bytes of its parts', async () => {
    const before = await test.blobs()
    const uploadId = await createUpload(test, 'key')
    const parts = await Promise.all(
      [1, 2, 10_000].map((number) => sendPart(test, 'key', uploadId, number, contentBytes(`${number}`, number * 100))),
    )
    expect(await test.blobs()).toHaveLength(before.length + 3)
    expect((await abort('key', uploadId)).$metadata.httpStatusCode).toBe(204)
    expect(await test.blobs()).toEqual(before)
    expect(await test.blobFiles()).toEqual([])
    expect(await refusal(complete(test, 'key', uploadId, parts))).toBe('404 NoSuchUpload')
    expect(await refusal(sendPart(test, 'key', uploadId, 1, 'late'))).toBe('404 NoSuchUpload')
    expect(
      await refusal(test.s3.send(new ListPartsCommand({ Bucket: test.bucket, Key: 'key', UploadId: uploadId }))),
    ).toBe('404 NoSuchUpload')
    expect(await refusal(abort('key', uploadId))).toBe('404 NoSuchUpload')
  })

  it('touches neither the object of that key nor another upload of it', async () => {
    await test.put('shared', 'object')
    const [one, two] = [await createUpload(test, 'shared'), await createUpload(test, 'shared')]
    await sendPart(test, 'shared', one, 1, 'one')
    const part = await sendPart(test, 'shared', two, 1, 'two')
    await abort('shared', one)
    expect((await test.get('shared')).bytes.toString()).toBe('object')
    await complete(test, 'shared', two, [part])
    expect((await test.get('shared')).bytes.toString()).toBe('two')
  })

  it('does nothing to what was completed', async () => {
    const { uploadId } = await uploadInParts(test, 'completed', [Buffer.from('there')])
    expect(await refusal(abort('completed', uploadId))).toBe('404 NoSuchUpload')
    expect((await test.get('completed')).bytes.toString()).toBe('there')
  })

  it.each(['', 'nonsense', '0'.repeat(32)])('refuses the upload id %j', async (uploadId) => {
    const { status, code } = await test.raw({ method: 'DELETE', key: 'key', query: { uploadId } })
    expect(`${status} ${code}`).toBe('404 NoSuchUpload')
  })

  it('refuses the upload of another key or bucket', async () => {
    const uploadId = await createUpload(test, 'mine')
    expect(await refusal(abort('other', uploadId))).toBe('404 NoSuchUpload')
    expect(await refusal(abort('mine', uploadId, 'no-such-bucket'))).toBe('404 NoSuchBucket')
    expect(await refusal(abort('mine', uploadId))).toBe('200')
  })

  it('while parts arrive leaves nothing of them', async () => {
    const before = await test.blobs()
    for (let round = 0; round < 5; round++) {
      const uploadId = await createUpload(test, 'racing')
      const sending = Array.from({ length: 6 }, (_, index) =>
        refusal(sendPart(test, 'racing', uploadId, index + 1, contentBytes('racing', 1000 + index * 100_000))),
      )
      await Promise.race(sending)
      expect(await refusal(abort('racing', uploadId))).toBe('200')
      const outcomes = await Promise.all(sending)
      expect(outcomes.filter((one) => one !== '200' && one !== '404 NoSuchUpload')).toEqual([])
    }
    expect(await test.blobs()).toEqual(before)
  })
})
