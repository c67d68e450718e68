import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { refusal } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
let s3: S3Client
let token: string
beforeAll(async () => {
  test = await startHouse()
  s3 = test.client()
  token = await iamToken(test.controlUrl)
})
afterAll(() => test[Symbol.asyncDispose]())

let made = 0
async function newBucket(hard_quota: number): Promise<string> {
  const bucket = `limited-${++made}`
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await limit(bucket, hard_quota)
  return bucket
}
const limit = (bucket: string, hard_quota: number | null) =>
  sendConfig(test.controlUrl, bucket, token, { patch: { hard_quota } })
const usedBytes = async (bucket: string): Promise<number> =>
  (await sendConfig(test.controlUrl, bucket, token)).body.bytes_used
const put = (bucket: string, key: string, size: number) =>
  refusal(s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'x'.repeat(size) })))

describe('a hard quota', () => {
  it('is answered QuotaExceeded where it would be exceeded, until there is room again', async () => {
    const bucket = await newBucket(10)
    expect(await put(bucket, 'a', 6)).toBe('200')
    expect(await put(bucket, 'b', 5)).toBe('403 QuotaExceeded')
    const copy = s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'c', CopySource: `${bucket}/a` }))
    expect(await refusal(copy)).toBe('403 QuotaExceeded')
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a' }))
    expect(await put(bucket, 'b', 5)).toBe('200')
    await limit(bucket, 20)
    expect(await put(bucket, 'a', 15)).toBe('200')
    expect(await put(bucket, 'c', 1)).toBe('403 QuotaExceeded')
    await limit(bucket, null)
    expect(await put(bucket, 'c', 1000)).toBe('200')
    expect(await usedBytes(bucket)).toBe(1020)
  })

  it('holds together for many clients at once', async () => {
    const bucket = await newBucket(100)
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, at) => put(bucket, `k${at}`, 9)))
    expect(outcomes.filter((one) => one === '200')).toHaveLength(11)
    expect(new Set(outcomes)).toEqual(new Set(['200', '403 QuotaExceeded']))
    expect(await usedBytes(bucket)).toBe(99)
  })

  it('is said before the body is sent, to a client that waits for it', async () => {
    const bucket = await newBucket(10)
    const headers = { expect: '100-continue', 'content-length': '1000000000' }
    const request = { method: 'PUT', path: `/${bucket}/large`, headers, payload: 'UNSIGNED-PAYLOAD' }
    expect(outcome(await sendRaw(test.s3Url, request))).toBe('403 QuotaExceeded')
  })
})
