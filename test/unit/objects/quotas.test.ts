import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const put = (objects: Objects, bucket: Bucket, key: string, size: number) =>
  objects.put({ bucket, key, body: bodyOf('x'.repeat(size)), ...plain })
const limit = (objects: Objects, bucket: Bucket, hardQuotaBytes: number) =>
  objects.configure(bucket, () => ({ hardQuotaBytes }))
const codes = async (work: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(work)).map((one) => (one.status === 'fulfilled' ? 'done' : String(Object(one.reason).code)))
const usedBytes = async (objects: Objects, bucket: Bucket): Promise<number> => (await objects.bucketUsage(bucket)).bytes

describe('a hard quota', () => {
  it('is filled to the last byte and not one more', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await limit(objects, bucket, 10)
    expect(await codes([put(objects, bucket, 'a', 6)])).toEqual(['done'])
    expect(await codes([put(objects, bucket, 'b', 5)])).toEqual(['QuotaExceeded'])
    expect(await codes([put(objects, bucket, 'b', 4), put(objects, bucket, 'empty', 0)])).toEqual(['done', 'done'])
    expect(await usedBytes(objects, bucket)).toBe(10)
  })

  it('is kept by any number of writes at a time, of which exactly as many succeed as there is room for', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await limit(objects, bucket, 105)
    const outcomes = await codes(Array.from({ length: 40 }, (_, at) => put(objects, bucket, `k${at}`, 10)))
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(10)
    expect(outcomes.filter((outcome) => outcome === 'QuotaExceeded')).toHaveLength(30)
    expect(await usedBytes(objects, bucket)).toBe(100)
  })

  it('refuses nobody for a write that comes to nothing', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await limit(objects, bucket, 10)
    // Each replaces the one before, so that all of them fit, one after the other.
    const outcomes = await codes(Array.from({ length: 20 }, () => put(objects, bucket, 'same', 10)))
    expect(new Set(outcomes)).toEqual(new Set(['done']))
    expect(await usedBytes(objects, bucket)).toBe(10)
  })

  it('lets the bucket become smaller when it is set below what is there', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'a', 8)
    await put(objects, bucket, 'b', 8)
    await limit(objects, bucket, 4)
    expect(await codes([put(objects, bucket, 'a', 7)])).toEqual(['done'])
    expect(await codes([put(objects, bucket, 'a', 8)])).toEqual(['QuotaExceeded'])
    await objects.delete({ bucket, key: 'b', conditions: {} })
    expect(await codes([put(objects, bucket, 'a', 8)])).toEqual(['QuotaExceeded'])
    expect(await codes([put(objects, bucket, 'a', 4)])).toEqual(['done'])
  })

  it('is told before the body is read, where its length is known', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await limit(objects, bucket, 3)
    const unread = {
      lengthBytes: 4,
      // biome-ignore lint/correctness/useYield: nobody may ask
      stream: (async function* (): AsyncGenerator<Buffer> {
        throw new Error('the body was read')
      })(),
    }
    expect(await codes([objects.put({ bucket, key: 'a', body: unread, ...plain })])).toEqual(['QuotaExceeded'])
    const unknown = { ...bodyOf('four'), lengthBytes: undefined }
    expect(await codes([objects.put({ bucket, key: 'a', body: unknown, ...plain })])).toEqual(['QuotaExceeded'])
    expect(await usedBytes(objects, bucket)).toBe(0)
  })

  it('counts the parts of an upload when it is completed, and takes no part that could never fit', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await limit(objects, bucket, 10)
    const { uploadId } = await objects.createUpload({ bucket, key: 'a', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'a', uploadId })
    expect(await codes([objects.uploadPart(upload, 1, bodyOf('x'.repeat(11)))])).toEqual(['QuotaExceeded'])
    const parts = [
      { number: 1, etag: (await objects.uploadPart(upload, 1, bodyOf('x'.repeat(8)))).etag },
      { number: 2, etag: (await objects.uploadPart(upload, 2, bodyOf('x'.repeat(8)))).etag },
    ]
    const complete = (count: number) =>
      objects.completeUpload({ bucket, key: 'a', uploadId, parts: parts.slice(0, count), conditions: {} })
    expect(await codes([complete(2)])).toEqual(['QuotaExceeded'])
    expect(await usedBytes(objects, bucket)).toBe(0)
    expect(await codes([complete(1)])).toEqual(['done'])
    expect(await usedBytes(objects, bucket)).toBe(8)
  })

  it('is of one bucket, and reads no counters in one that has none', async () => {
    const reads: number[] = []
    const { objects, makeBucket, newBucket } = await testEngine({
      metadata: (inner) => ({
        ...inner,
        counters: (prefix) => {
          reads.push(1)
          return inner.counters(prefix)
        },
      }),
    })
    const full = await makeBucket()
    const free = await objects.createBucket({ ...newBucket, name: 'free' })
    await limit(objects, full, 1)
    reads.length = 0
    await put(objects, free, 'a', 100)
    expect(reads).toEqual([])
    expect(await codes([put(objects, full, 'a', 2)])).toEqual(['QuotaExceeded'])
  })
})
