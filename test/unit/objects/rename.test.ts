import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const put = (objects: Objects, bucket: Bucket, key: string, text: string, more: object = {}) =>
  objects.put({ ...plain, bucket, key, body: bodyOf(text), ...more })
const rename = (objects: Objects, bucket: Bucket, from: string, to: string, more: object = {}) =>
  objects.rename({ bucket, from, to, conditions: {}, check: () => {}, ...more })
const names = async (objects: Objects, bucket: Bucket) =>
  (await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })).items.map(({ key }) => key)
const codes = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? 'done' : String(Object(result.reason).code))).sort()

describe('renaming', () => {
  it('of one object at a time to several names gives it one of them', async () => {
    const disk = new Map<BlobId, Buffer>()
    const { objects, makeBucket, failures } = await testEngine({ disk })
    const bucket = await makeBucket()
    await put(objects, bucket, 'from', 'text')
    const results = await Promise.allSettled(['a', 'b', 'c'].map((to) => rename(objects, bucket, 'from', to)))
    expect(codes(results).filter((code) => code === 'done')).toHaveLength(1)
    const [name = '', ...others] = await names(objects, bucket)
    expect(others).toEqual([])
    expect(await readAll(objects, bucket, name)).toBe('text')
    await objects.garbage.settled()
    expect(disk.size).toBe(1)
    expect(failures).toEqual([])
  })

  it('of what is written meanwhile is refused, and nothing is lost', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'from', 'old')
    const check = async () => void (await put(objects, bucket, 'from', 'new'))
    const renamed = rename(objects, bucket, 'from', 'to', { check })
    await expect(renamed).rejects.toMatchObject({ code: 'ConditionalRequestConflict' })
    expect(await names(objects, bucket)).toEqual(['from'])
    expect(await readAll(objects, bucket, 'from')).toBe('new')
  })

  it('takes along what is said of the object meanwhile', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'from', 'text', { properties: { owner: { id: 'me', displayName: 'Me' } } })
    const tags = [{ key: 'a', value: 'b' }]
    const check = async () =>
      void (await objects.changeProperties({ bucket, key: 'from' }, (now) => ({ ...now, tags })))
    await rename(objects, bucket, 'from', 'to', { check })
    const known = await objects.known({ bucket, key: 'to' })
    expect(known).toMatchObject({ owner: { id: 'me' }, sizeBytes: 4 })
    expect(await known?.tags()).toEqual(tags)
  })

  it('is counted, survives a restart, and is done once for its token even then', async () => {
    const disk = new Map<BlobId, Buffer>()
    const stored = memoryStore()
    const first = await testEngine({ disk, stored })
    const bucket = await first.makeBucket()
    await put(first.objects, bucket, 'from', 'text')
    await put(first.objects, bucket, 'to', 'replaced')
    await rename(first.objects, bucket, 'from', 'to', { token: 'once' })
    expect(await first.objects.bucketUsage(bucket)).toEqual({ objects: 1, bytes: 4, uploads: 0 })
    expect((await first.objects.recount()).differences).toEqual([])
    await first.objects.close()
    const { objects } = await testEngine({ disk, stored, kms: first.kms, lease: '1'.repeat(16) })
    await objects.swept
    await rename(objects, bucket, 'from', 'to', { token: 'once' })
    expect(await readAll(objects, bucket, 'to')).toBe('text')
    expect(disk.size).toBe(1)
  })

  it('keeps what was appended, two layers and an encryption context', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'from', 'one ', { encrypting: { twice: true, context: { purpose: 'test' } } })
    await objects.append({ ...plain, bucket, key: 'from', body: bodyOf('two'), offsetBytes: 4 })
    const before = await objects.open({ bucket, key: 'from' })
    await rename(objects, bucket, 'from', 'to')
    using after = await objects.open({ bucket, key: 'to' })
    expect(after.protection).toEqual(before.protection)
    expect(after.protection.algorithm).toBe('aws:kms:dsse')
    expect(after.manifest.etag).toBe(before.manifest.etag)
    expect(after.manifest.parts.map(({ number, sizeBytes }) => [number, sizeBytes])).toEqual([
      [0, 4],
      [1, 3],
    ])
    before[Symbol.dispose]()
    expect(await readAll(objects, bucket, 'to')).toBe('one two')
  })

  describe('of an object of more parts than a commit holds', () => {
    const PARTS = 260
    async function manyParts(metadata: (inner: MetadataStore) => MetadataStore = (inner) => inner) {
      const disk = new Map<BlobId, Buffer>()
      const engine = await testEngine({ disk, metadata })
      const { objects } = engine
      const bucket = await engine.makeBucket()
      const { uploadId } = await objects.createUpload({ bucket, key: 'from', attributes: plain.attributes })
      const upload = await objects.findUpload({ bucket, key: 'from', uploadId })
      const parts: { readonly number: number; readonly etag: string }[] = []
      for (let number = 1; number <= PARTS; number++) {
        const { etag } = await objects.uploadPart(upload, number, bodyOf(`${number} `))
        parts.push({ number, etag })
      }
      await objects.completeUpload({ bucket, key: 'from', uploadId, parts, conditions: {} })
      const text = parts.map(({ number }) => `${number} `).join('')
      const count = async (space: number) => {
        const all = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 2000 }
        return (await engine.stored.range(space, all)).length
      }
      const shape = async () => {
        await objects.garbage.settled()
        return [await count(SPACE.part), await count(SPACE.blob), await count(SPACE.garbage), disk.size]
      }
      return { ...engine, bucket, text, disk, shape }
    }

    it('moves all of them, and leaves none behind', async () => {
      const { objects, bucket, text, shape } = await manyParts()
      const before = await shape()
      await rename(objects, bucket, 'from', 'to')
      expect(await names(objects, bucket)).toEqual(['to'])
      expect(await readAll(objects, bucket, 'to')).toBe(text)
      expect(await shape()).toEqual(before)
      expect((await objects.recount()).differences).toEqual([])
      await objects.close()
    })

    it('is not taken apart by a collector that looked in between', async () => {
      let objects: Objects | undefined
      let renamed: Promise<void> | undefined
      let looked: (() => void) | undefined
      const many = await manyParts((inner) => ({
        ...inner,
        commit: async (writes) => {
          if (renamed && writes.some((write) => write.type === 'delete' && write.space === SPACE.head)) {
            const seen = new Promise<void>((resolve) => {
              looked = resolve
            })
            void objects?.garbage.settled()
            await seen
          }
          return inner.commit(writes)
        },
        range: async (space, range) => {
          const rows = await inner.range(space, range)
          if (looked && space === SPACE.garbage && rows.length > 0) {
            looked()
            await renamed
          }
          return rows
        },
      }))
      objects = many.objects
      renamed = rename(objects, many.bucket, 'from', 'to')
      await renamed
      expect((await many.shape()).at(-1)).toBe(PARTS)
      expect(await readAll(objects, many.bucket, 'to')).toBe(many.text)
      await objects.close()
    })

    it('leaves nothing behind when it is refused in the end', async () => {
      let refuse = false
      const { objects, bucket, text, shape } = await manyParts((inner) => ({
        ...inner,
        commit: async (writes) => {
          if (refuse && writes.some((write) => write.type === 'delete' && write.space === SPACE.head)) {
            throw new CodedError('NoSpace', 'the disk is full')
          }
          return inner.commit(writes)
        },
      }))
      const before = await shape()
      refuse = true
      await expect(rename(objects, bucket, 'from', 'to')).rejects.toMatchObject({ code: 'NoSpace' })
      expect(await readAll(objects, bucket, 'from')).toBe(text)
      expect(await shape()).toEqual(before)
      await objects.close()
    })

    it('leaves nothing behind when the process ends', async () => {
      let down = false
      const { objects, bucket, text, stored, disk, kms } = await manyParts((inner) => ({
        ...inner,
        commit: async (writes) => {
          down ||= writes.some((write) => write.type === 'delete' && write.space === SPACE.head)
          if (down) throw new CodedError('CommitUnknown', 'the power is gone')
          return inner.commit(writes)
        },
      }))
      await objects.garbage.settled()
      await expect(rename(objects, bucket, 'from', 'to')).rejects.toThrow()
      expect(disk.size).toBe(2 * PARTS)
      const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
      await again.objects.swept
      await again.objects.garbage.settled()
      expect(await readAll(again.objects, bucket, 'from')).toBe(text)
      expect(disk.size).toBe(PARTS)
      await again.objects.close()
    })
  })

  it('is refused where objects are retained', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'from', 'x')
    const protection = { minimumDays: 0, defaultDays: 1, maximumDays: 10, permanent: false }
    await objects.changeDocument(bucket, 'protection', () => protection)
    await expect(rename(objects, bucket, 'from', 'to')).rejects.toMatchObject({ code: 'RenameRefused' })
    expect(await names(objects, bucket)).toEqual(['from'])
  })

  it('needs the root key, and a customer’s key is not at hand', async () => {
    const { objects, makeBucket, kms } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, 'keyed', 'x', { encrypting: { customerKey: Buffer.alloc(32, 1) } })
    await expect(rename(objects, bucket, 'keyed', 'to')).rejects.toMatchObject({ code: 'CustomerKeyRequired' })
    await put(objects, bucket, 'from', 'x')
    await kms.disable(bucket.rootKeyCrn)
    await expect(rename(objects, bucket, 'from', 'to')).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    expect(await names(objects, bucket)).toEqual(['from', 'keyed'])
  })
})
