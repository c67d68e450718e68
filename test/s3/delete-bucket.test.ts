import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { refusal } from '../support/object-house.ts'
import { replyOf, signRaw, startRaw } from '../support/raw-s3.ts'

let test: TestHouse
let s3: S3Client
beforeAll(async () => {
  test = await startHouse()
  s3 = test.client()
})
afterAll(() => test[Symbol.asyncDispose]())

const create = (Bucket: string) => s3.send(new CreateBucketCommand({ Bucket }))
const remove = (Bucket: string) => refusal(s3.send(new DeleteBucketCommand({ Bucket })))
const put = (Bucket: string, Key: string, Body = 'body') => s3.send(new PutObjectCommand({ Bucket, Key, Body }))
const exists = async (Bucket: string) => (await refusal(s3.send(new HeadBucketCommand({ Bucket })))) === '200'
const blobCount = async () => {
  const { objects, blobs } = test.house
  await objects.garbage.settled()
  const pages = await Promise.all((await blobs.leases()).map((lease) => blobs.list(lease, undefined, 1000)))
  return pages.flat().length
}

describe('DeleteBucket', () => {
  it('removes an empty bucket', async () => {
    await create('empty')
    const { $metadata } = await s3.send(new DeleteBucketCommand({ Bucket: 'empty' }))
    expect($metadata.httpStatusCode).toBe(204)
    expect(await exists('empty')).toBe(false)
    expect(await remove('empty')).toBe('404 NoSuchBucket')
  })

  it('keeps a bucket that holds something, and lets it be written on', async () => {
    await create('full')
    await put('full', 'key')
    expect(await remove('full')).toBe('409 BucketNotEmpty')
    await put('full', 'key-2')
    await s3.send(new DeleteObjectCommand({ Bucket: 'full', Key: 'key' }))
    expect(await remove('full')).toBe('409 BucketNotEmpty')
    await s3.send(new DeleteObjectCommand({ Bucket: 'full', Key: 'key-2' }))
    expect(await remove('full')).toBe('200')
  })

  it('takes unfinished uploads with it, bytes and all', async () => {
    await create('uploads')
    const before = await blobCount()
    const target = { Bucket: 'uploads', Key: 'k' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'part' }))
    expect(await blobCount()).toBe(before + 1)
    expect(await remove('uploads')).toBe('200')
    expect(await blobCount()).toBe(before)
    await create('uploads')
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'uploads' }))
    expect(Uploads ?? []).toEqual([])
    expect(await refusal(s3.send(new AbortMultipartUploadCommand({ ...target, UploadId })))).toBe('404 NoSuchUpload')
  })

  it('leaves nothing for a bucket of the same name', async () => {
    await create('again')
    await put('again', 'key')
    await s3.send(new DeleteObjectCommand({ Bucket: 'again', Key: 'key' }))
    expect(await remove('again')).toBe('200')
    await create('again')
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'again', Key: 'key' })))).toBe('404 NoSuchKey')
  })

  it('is decided once when asked for many times', async () => {
    for (let round = 0; round < 10; round++) {
      await create('many')
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => remove('many')))
      expect(outcomes.toSorted()).toEqual(['200', ...Array.from({ length: 7 }, () => '404 NoSuchBucket')])
      expect(await exists('many')).toBe(false)
    }
  })

  it('never loses a PUT that succeeded at the same time', async () => {
    const seen = new Set<string>()
    for (let round = 0; round < 30; round++) {
      const bucket = `race-${round}`
      await create(bucket)
      const puts = Array.from({ length: 4 }, (_, index) => refusal(put(bucket, `key-${index}`)))
      // The delete starts a little later each round, to meet the writes at every step of theirs.
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
      const deleted = await remove(bucket)
      const outcomes = await Promise.all(puts)
      seen.add(deleted)
      if (deleted === '200') {
        expect(outcomes.filter((outcome) => outcome === '200')).toEqual([])
        expect(await exists(bucket)).toBe(false)
      }
      for (const [index, outcome] of outcomes.entries()) {
        expect(outcome).toMatch(/^(200|404 NoSuchBucket|409 OperationAborted)$/)
        if (outcome !== '200') continue
        const read = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `key-${index}` }))
        expect(await read.Body?.transformToString()).toBe('body')
      }
    }
    for (const outcome of seen) expect(outcome).toMatch(/^(200|409 BucketNotEmpty|409 OperationAborted)$/)
  })

  it('refuses the rest of an upload whose bucket went away under it', async () => {
    await create('going')
    const before = await blobCount()
    const signed = signRaw(test.s3Url, { method: 'PUT', path: '/going/key', payload: 'UNSIGNED-PAYLOAD' })
    const outgoing = startRaw(test.s3Url, { ...signed, headers: { ...signed.headers, 'content-length': '8' } })
    outgoing.write('half')
    while (await exists('going')) await remove('going')
    await create('going')
    outgoing.end('half')
    const { status, code } = await replyOf(outgoing)
    expect([status, code]).toEqual([404, 'NoSuchBucket'])
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'going', Key: 'key' })))).toBe('404 NoSuchKey')
    expect(await blobCount()).toBe(before)
  })
})
