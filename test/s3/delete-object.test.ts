import { DeleteObjectCommand, type DeleteObjectCommandInput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const remove = (key: string, more: Partial<DeleteObjectCommandInput> = {}) =>
  test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: key, ...more }))

describe('DeleteObject', () => {
  it('removes an object', async () => {
    await test.put('gone', 'x')
    const { $metadata, DeleteMarker, VersionId } = await remove('gone')
    expect({ status: $metadata.httpStatusCode, DeleteMarker, VersionId }).toEqual({
      status: 204,
      DeleteMarker: undefined,
      VersionId: undefined,
    })
    expect(await refusal(test.get('gone'))).toBe('404 NoSuchKey')
  })

  it('answers the same for what does not exist', async () => {
    expect((await remove('never')).$metadata.httpStatusCode).toBe(204)
  })

  it('refuses a bucket that does not exist', async () => {
    expect(await refusal(remove('key', { Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })

  it('leaves keys alone that only begin alike', async () => {
    await Promise.all(['a', 'a/', 'a/b', 'ab'].map((key) => test.put(key, key)))
    await remove('a')
    expect(await refusal(test.get('a'))).toBe('404 NoSuchKey')
    for (const key of ['a/', 'a/b', 'ab']) expect((await test.get(key)).bytes.toString()).toBe(key)
  })

  it('with If-Match removes that version only', async () => {
    const { ETag = '' } = await test.put('match', 'x')
    expect(await refusal(remove('match', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect((await test.get('match')).bytes.toString()).toBe('x')
    expect(await refusal(remove('match', { IfMatch: ETag }))).toBe('200')
    expect(await refusal(test.get('match'))).toBe('404 NoSuchKey')
    expect(await refusal(remove('match', { IfMatch: '*' }))).toBe('404 NoSuchKey')
  })

  it('knows the version null and no other', async () => {
    await test.put('version', 'x')
    // S3: a version that is not there is deleted already.
    expect(await refusal(remove('version', { VersionId: 'x'.repeat(32) }))).toBe('200')
    expect(await refusal(remove('version', { VersionId: 'other' }))).toBe('400 InvalidArgument')
    expect((await test.get('version')).bytes.toString()).toBe('x')
    expect(await refusal(remove('version', { VersionId: 'null' }))).toBe('200')
    expect(await refusal(test.get('version'))).toBe('404 NoSuchKey')
  })

  it.each([0, 1000, 300_000, 3_000_000])('frees the disk of an object of %i bytes', async (size) => {
    const before = await test.blobs()
    await test.put('freed', contentBytes('freed', size))
    expect(await test.blobs()).toHaveLength(before.length + 1)
    await remove('freed')
    expect(await test.blobs()).toEqual(before)
    expect(await test.blobFiles()).toHaveLength(before.filter((id) => id.includes('/f/')).length)
  })

  it('frees the disk of an object in parts', async () => {
    const before = await test.blobs()
    await uploadInParts(test, 'parts', [Buffer.alloc(MIN_PART_BYTES), Buffer.alloc(MIN_PART_BYTES), Buffer.alloc(1)])
    expect(await test.blobs()).toHaveLength(before.length + 3)
    await remove('parts')
    expect(await test.blobs()).toEqual(before)
  })

  it('of one key by many at once succeeds for all', async () => {
    await test.put('many', 'x')
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => refusal(remove('many'))))
    expect(new Set(outcomes)).toEqual(new Set(['200']))
    expect(await refusal(test.get('many'))).toBe('404 NoSuchKey')
  })
})
