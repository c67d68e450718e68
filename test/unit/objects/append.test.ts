import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const append = (objects: Objects, bucket: Bucket, offsetBytes: number, text: string | Buffer, more: object = {}) =>
  objects.append({ ...plain, bucket, key: 'log', body: bodyOf(text), offsetBytes, ...more })
const put = (objects: Objects, bucket: Bucket, text: string | Buffer, more: object = {}) =>
  objects.put({ ...plain, bucket, key: 'log', body: bodyOf(text), ...more })
const codes = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? 'done' : String(Object(result.reason).code))).sort()

describe('appending', () => {
  it('makes the object, and then adds to it, keeping all that is said of it', async () => {
    const { objects, time, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    const attributes = { headers: { 'content-type': 'text/plain' }, userMetadata: { colour: 'red' } }
    const tags = [{ key: 'a', value: 'b' }]
    expect(await append(objects, bucket, 0, 'one ', { attributes, properties: { tags } })).toMatchObject({
      sizeBytes: 4,
    })
    time.nowMs += 1000
    const second = await append(objects, bucket, 4, 'two ', { attributes: plain.attributes })
    expect(second).toMatchObject({ sizeBytes: 8, modifiedAtMs: time.nowMs })
    const third = await append(objects, bucket, 8, 'three')
    expect(await readAll(objects, bucket, 'log')).toBe('one two three')
    using object = await objects.open({ bucket, key: 'log' })
    expect(object.manifest).toMatchObject({ ...attributes, etag: third.etag, sizeBytes: 13 })
    expect(third.etag).toMatch(/^[0-9a-f]{32}-3$/)
    expect(await object.tags()).toEqual(tags)
    const listed = await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })
    expect(listed.items).toMatchObject([{ key: 'log', sizeBytes: 13, summary: { etag: third.etag } }])
  })

  it('takes any sizes, and ranges run across what was appended', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200_000 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(),
        async (pieces, a, b) => {
          const key = createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
          let sizeBytes = 0
          for (const piece of pieces) {
            const bytes = Buffer.from(piece)
            if (sizeBytes === 0) await objects.put({ ...plain, bucket, key, body: bodyOf(bytes) })
            else await objects.append({ ...plain, bucket, key, body: bodyOf(bytes), offsetBytes: sizeBytes })
            sizeBytes = (await objects.known({ bucket, key }))?.sizeBytes ?? 0
          }
          const whole = Buffer.concat(pieces.slice(pieces.findIndex(({ length }) => length > 0)))
          using object = await objects.open({ bucket, key })
          const [start, end] = [a, b].map((n) => n % (object.manifest.sizeBytes + 1)).sort((x, y) => x - y)
          const read: Buffer[] = []
          for await (const chunk of object.read({ start: start ?? 0, end: end ?? 0 })) read.push(Buffer.from(chunk))
          expect(Buffer.concat(read).equals(whole.subarray(start, end))).toBe(true)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('adds at the end only', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await expect(append(objects, bucket, 1, 'x')).rejects.toMatchObject({ code: 'NoSuchKey' })
    await put(objects, bucket, 'four')
    for (const offset of [0, 3, 5]) {
      await expect(append(objects, bucket, offset, 'x')).rejects.toMatchObject({ code: 'InvalidWriteOffset' })
    }
    expect(await readAll(objects, bucket, 'log')).toBe('four')
  })

  it('lets one of several at a time through, and leaves nothing of the others', async () => {
    const disk = new Map<BlobId, Buffer>()
    const { objects, makeBucket, failures } = await testEngine({ disk })
    const bucket = await makeBucket()
    const first = await Promise.allSettled(['a', 'b', 'c'].map((text) => append(objects, bucket, 0, text)))
    expect(codes(first)).toEqual(['InvalidWriteOffset', 'InvalidWriteOffset', 'done'])
    const second = await Promise.allSettled(['d', 'e', 'f'].map((text) => append(objects, bucket, 1, text)))
    expect(codes(second)).toEqual(['InvalidWriteOffset', 'InvalidWriteOffset', 'done'])
    expect(await readAll(objects, bucket, 'log')).toMatch(/^[abc][def]$/)
    await objects.garbage.settled()
    expect(disk.size).toBe(2)
    expect(failures).toEqual([])
  })

  it('goes on while other things are said of the object, and while it is read', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'before ')
    using reading = await objects.open({ bucket, key: 'log' })
    async function* slow() {
      yield Buffer.from('af')
      await objects.changeProperties({ bucket, key: 'log' }, (now) => ({ ...now, tags: [{ key: 'a', value: '' }] }))
      yield Buffer.from('ter')
    }
    await append(objects, bucket, 7, '', { body: { stream: slow(), lengthBytes: 5 } })
    expect(await readAll(objects, bucket, 'log')).toBe('before after')
    expect(await (await objects.known({ bucket, key: 'log' }))?.tags()).toEqual([{ key: 'a', value: '' }])
    const read: Buffer[] = []
    for await (const chunk of reading.read({ start: 0, end: 7 })) read.push(Buffer.from(chunk))
    expect(Buffer.concat(read).toString()).toBe('before ')
  })

  it('is counted, and frees every part when the object goes', async () => {
    const disk = new Map<BlobId, Buffer>()
    const stored = memoryStore()
    const { objects, makeBucket } = await testEngine({ disk, stored })
    const bucket = await makeBucket()
    await put(objects, bucket, 'four')
    await append(objects, bucket, 4, 'more')
    await append(objects, bucket, 8, '!')
    expect(await objects.bucketUsage(bucket)).toEqual({ objects: 1, bytes: 9, uploads: 0 })
    expect((await objects.recount()).differences).toEqual([])
    await objects.garbage.settled()
    expect(disk.size).toBe(3)
    await objects.delete({ bucket, key: 'log', conditions: {} })
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
    expect(await objects.bucketUsage(bucket)).toEqual({ objects: 0, bytes: 0, uploads: 0 })
  })

  it('survives a restart, and its sweep', async () => {
    const disk = new Map<BlobId, Buffer>()
    const stored = memoryStore()
    const first = await testEngine({ disk, stored })
    const bucket = await first.makeBucket()
    await put(first.objects, bucket, 'kept ')
    await append(first.objects, bucket, 5, 'appended')
    await first.objects.close()
    const { objects } = await testEngine({ disk, stored, kms: first.kms, lease: '1'.repeat(16) })
    await objects.swept
    expect(await readAll(objects, bucket, 'log')).toBe('kept appended')
    await append(objects, bucket, 13, '!')
    expect(await readAll(objects, bucket, 'log')).toBe('kept appended!')
  })

  it('leaves a large manifest of before to the collector', async () => {
    const disk = new Map<BlobId, Buffer>()
    const { objects, makeBucket } = await testEngine({ disk })
    const bucket = await makeBucket()
    const attributes = { headers: {}, userMetadata: { large: 'x'.repeat(20_000) } }
    await put(objects, bucket, 'a', { attributes })
    expect(disk.size).toBe(2)
    await append(objects, bucket, 1, 'b')
    await objects.garbage.settled()
    expect(disk.size).toBe(3)
    expect(await readAll(objects, bucket, 'log')).toBe('ab')
  })

  it('is refused where there are versions, and nothing is stored', async () => {
    const disk = new Map<BlobId, Buffer>()
    const { objects, makeBucket } = await testEngine({ disk })
    const bucket = await makeBucket()
    await objects.setVersioning(bucket, 'Enabled')
    await expect(append(objects, bucket, 0, 'x')).rejects.toMatchObject({ code: 'AppendRefused' })
    expect(disk.size).toBe(0)
  })

  it('is refused where objects are retained', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'x')
    const protection = { minimumDays: 0, defaultDays: 1, maximumDays: 10, permanent: false }
    await objects.changeDocument(bucket, 'protection', () => protection)
    await expect(append(objects, bucket, 1, 'y')).rejects.toMatchObject({ code: 'AppendRefused' })
    expect(await readAll(objects, bucket, 'log')).toBe('x')
  })

  it('asks the root key', async () => {
    const { objects, makeBucket, kms } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'x')
    await kms.disable(bucket.rootKeyCrn)
    await expect(append(objects, bucket, 1, 'y')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  })
})
