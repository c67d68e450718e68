import { beforeAll, describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { ListedPart } from '../../../src/objects/complete-upload.ts'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { decodeGarbage, decodeObject } from '../../../src/objects/records.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const PARTS = 10_000
const text = (number: number): string => `part ${number};`
const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 100_000 }

describe('an upload of 10,000 parts', () => {
  let engine: Awaited<ReturnType<typeof testEngine>>
  let bucket: Bucket
  const parts: ListedPart[] = []
  const rows = (space: number) => engine.stored.range(space, everything)

  beforeAll(async () => {
    engine = await testEngine()
    bucket = await engine.makeBucket()
    const { objects } = engine
    const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
    for (let first = 1; first <= PARTS; first += 500) {
      const numbers = Array.from({ length: 500 }, (_, index) => first + index)
      const sent = await Promise.all(numbers.map((number) => objects.uploadPart(upload, number, bodyOf(text(number)))))
      parts.push(...sent.map(({ number, etag }) => ({ number, etag })))
    }
    // Every other part: the longest list of what is kept that there can be.
    const odd = parts.filter(({ number }) => number % 2 === 1)
    await objects.completeUpload({ bucket, key: 'key', uploadId, parts: odd, conditions: {} })
  }, 120_000)

  it('keeps its manifest in a blob of its own', async () => {
    const [head] = await rows(SPACE.head)
    if (!head) throw new Error('no object')
    const { manifest, data } = decodeObject(head.value)
    expect(data).toEqual({ partCount: PARTS / 2 })
    expect(engine.disk.has('blob' in manifest ? manifest.blob : '')).toBe(true)
  })

  it('reads ranges across any of its parts', async () => {
    const odd = Array.from({ length: PARTS / 2 }, (_, index) => 2 * index + 1)
    const whole = odd.map(text).join('')
    using object = await engine.objects.open({ bucket, key: 'key' })
    expect(object.manifest.sizeBytes).toBe(whole.length)
    const middle = whole.length >> 1
    const ranges = [
      [0, 30],
      [middle - 20, middle + 20],
      [whole.length - 30, whole.length],
    ] as const
    for (const [start, end] of ranges) {
      const chunks: Buffer[] = []
      for await (const chunk of object.read({ start, end })) chunks.push(Buffer.from(chunk))
      expect(Buffer.concat(chunks).toString()).toBe(whole.slice(start, end))
    }
  })

  it('frees the parts that were not listed, and no others', async () => {
    await engine.objects.garbage.settled()
    expect(engine.failures).toEqual([])
    expect(await rows(SPACE.part)).toHaveLength(PARTS / 2)
    expect(await rows(SPACE.blob)).toHaveLength(PARTS / 2 + 1)
    expect(engine.disk.size).toBe(PARTS / 2 + 1)
  })

  it('is freed to the last row and blob by one delete', async () => {
    await engine.objects.delete({ bucket, key: 'key', conditions: {} })
    const [waiting] = await rows(SPACE.garbage)
    if (waiting) expect(decodeGarbage(waiting.value).upload).toBeDefined()
    await engine.objects.garbage.settled()
    expect(engine.failures).toEqual([])
    expect(engine.disk.size).toBe(0)
    for (const space of [SPACE.head, SPACE.part, SPACE.blob, SPACE.garbage, SPACE.upload]) {
      expect(await rows(space)).toEqual([])
    }
  }, 60_000)
})
