import { describe, expect, it } from 'vitest'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 1_000_000 }

/** What a directory looks like that was written before there were counters. */
async function forgetCounters(stored: MetadataStore): Promise<void> {
  const counters = await stored.counters(Buffer.alloc(0))
  await stored.commit(counters.map(({ key, value }) => ({ type: 'add', key, delta: -value })))
  for (const { key } of await stored.range(SPACE.usage, everything)) {
    await stored.commit([{ type: 'delete', space: SPACE.usage, key }])
  }
}

async function fill(objects: Objects, name: string, count: number): Promise<void> {
  const bucket = objects.buckets.get(name)
  for (let at = 0; at < count; at++) {
    await objects.put({ bucket, key: `k${at}`, body: bodyOf('x'.repeat(at)), ...plain })
  }
}

describe('what a root key is used for', () => {
  it('is nothing before anything lies under it', async () => {
    const { objects, kms } = await testEngine()
    const rootKeyCrn = await kms.newRootKey()
    expect(await objects.keyUsage(rootKeyCrn)).toEqual({ rootKeyCrn, versions: [], buckets: [] })
  })

  it('is told by key version: objects, bytes, uploads and the key of the bucket itself', async () => {
    const { objects, kms, makeBucket, newBucket } = await testEngine()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'a', body: bodyOf('12345'), ...plain })
    await kms.rotate(newBucket.rootKeyCrn)
    await objects.put({ bucket, key: 'b', body: bodyOf('123'), ...plain })
    await objects.createUpload({ bucket, key: 'c', attributes: plain.attributes })
    const usage = await objects.keyUsage(newBucket.rootKeyCrn)
    const old = usage.versions.find(({ keyVersion }) => keyVersion === bucket.metadataKey.keyVersion)
    const next = usage.versions.find(({ keyVersion }) => keyVersion !== bucket.metadataKey.keyVersion)
    expect(old).toMatchObject({ objects: 1, bytes: 5, uploads: 0, metadataKeys: 1, bucketKeys: 0 })
    expect(next).toMatchObject({ objects: 1, bytes: 3, uploads: 1, metadataKeys: 0, bucketKeys: 0 })
    expect(usage.buckets).toEqual([{ name: 'bucket', current: true, versions: usage.versions }])
    expect(await objects.bucketUsage(bucket)).toEqual({ objects: 2, bytes: 8, uploads: 1 })
  })

  it('follows overwriting, copies of nothing, completion, abortion and deletion', async () => {
    const { objects, makeBucket, newBucket } = await testEngine()
    const bucket = await makeBucket()
    const totals = () => objects.bucketUsage(bucket)
    await objects.put({ bucket, key: 'a', body: bodyOf('12345'), ...plain })
    await objects.put({ bucket, key: 'a', body: bodyOf('1'), ...plain })
    expect(await totals()).toEqual({ objects: 1, bytes: 1, uploads: 0 })
    const start = async () => {
      const { uploadId } = await objects.createUpload({ bucket, key: 'a', attributes: plain.attributes })
      return objects.findUpload({ bucket, key: 'a', uploadId })
    }
    const upload = await start()
    const part = await objects.uploadPart(upload, 1, bodyOf('1234567'))
    await objects.abortUpload(await start())
    expect(await totals()).toEqual({ objects: 1, bytes: 1, uploads: 1 })
    const parts = [{ number: 1, etag: part.etag }]
    await objects.completeUpload({ bucket, key: 'a', uploadId: upload.uploadId, parts, conditions: {} })
    expect(await totals()).toEqual({ objects: 1, bytes: 7, uploads: 0 })
    await objects.delete({ bucket, key: 'a', conditions: {} })
    await start()
    expect(await totals()).toEqual({ objects: 0, bytes: 0, uploads: 1 })
    await objects.deleteBucket(bucket)
    expect(await objects.keyUsage(newBucket.rootKeyCrn)).toMatchObject({ versions: [], buckets: [] })
  })
})

describe('a recount', () => {
  it('finds no difference, and says what it found', async () => {
    const { objects, makeBucket } = await testEngine()
    await makeBucket()
    await fill(objects, 'bucket', 20)
    expect(await objects.recount()).toEqual({
      found: { objects: 20, bytes: 190, uploads: 0 },
      differences: [],
      repaired: false,
    })
  })

  it('is exact while others write', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await fill(objects, 'bucket', 200)
    const writing = fill(objects, 'bucket', 200)
    const deleting = objects.delete({ bucket, key: 'k7', conditions: {} })
    for (let count = 0; count < 10; count++) expect((await objects.recount()).differences).toEqual([])
    await Promise.all([writing, deleting])
  })

  it('names counters that are wrong, and mends them when asked to', async () => {
    const { objects, stored, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await fill(objects, 'bucket', 5)
    const [counter] = await stored.counters(Buffer.alloc(0))
    if (!counter) throw new Error('nothing is counted')
    await stored.commit([{ type: 'add', key: counter.key, delta: 3 }])
    const of = { bucketId: bucket.id, slot: 0, keyVersion: bucket.metadataKey.keyVersion, counted: 'objects' }
    expect((await objects.recount()).differences).toEqual([{ ...of, stored: 8, found: 5 }])
    expect(await objects.recount({ repair: true })).toMatchObject({ repaired: true, differences: [{ stored: 8 }] })
    expect(await objects.recount()).toMatchObject({ repaired: false, differences: [] })
    expect(await objects.bucketUsage(bucket)).toEqual({ objects: 5, bytes: 10, uploads: 0 })
  })
})

describe('a store without counters', () => {
  it('is counted when it is opened, wherever that was interrupted before', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    await first.makeBucket()
    await fill(first.objects, 'bucket', 400)
    await first.objects.createUpload({
      bucket: first.objects.buckets.get('bucket'),
      key: 'u',
      attributes: plain.attributes,
    })
    await first.objects.close()
    await forgetCounters(stored)
    let commits = 0
    const failing = (inner: MetadataStore): MetadataStore => ({
      ...inner,
      commit: async (writes) => {
        // Some do take place though nobody is told.
        if (commits++ === 1) throw new Error('made by the test')
        const done = await inner.commit(writes)
        if (commits === 4) throw new Error('made by the test')
        return done
      },
    })
    await expect(testEngine({ stored, metadata: failing })).rejects.toThrow('made by the test')
    await expect(testEngine({ stored, metadata: failing })).rejects.toThrow('made by the test')
    const { objects } = await testEngine({ stored })
    expect(await objects.recount()).toMatchObject({ differences: [], found: { objects: 400, uploads: 1 } })
    expect(await objects.bucketUsage(objects.buckets.get('bucket'))).toMatchObject({ objects: 400, uploads: 1 })
  })

  it('is counted when only the versions have no counters', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    const bucket = await first.makeBucket()
    await first.objects.setVersioning(bucket, 'Enabled')
    for (let round = 0; round < 3; round++) await fill(first.objects, 'bucket', 100)
    await first.objects.delete({ bucket, key: 'k7', conditions: {} })
    const totals = await first.objects.versionTotals(bucket)
    expect(totals).toMatchObject({ noncurrentObjects: 201, deleteMarkers: 1 })
    await first.objects.close()
    for (const { key, value } of await stored.counters(Buffer.from('versions'))) {
      await stored.commit([{ type: 'add', key, delta: -value }])
    }
    const value = Buffer.from('{"v":1,"done":true}')
    await stored.commit([{ type: 'put', space: SPACE.usage, key: Buffer.from('state'), value }])
    const second = await testEngine({ stored })
    expect(await second.objects.versionTotals(bucket)).toEqual(totals)
    expect((await second.objects.recount()).differences).toEqual([])
    const [counter] = await stored.counters(Buffer.from('versions'))
    await stored.commit([{ type: 'add', key: counter?.key ?? Buffer.alloc(0), delta: 1 }])
    const wrong = { bucketId: bucket.id, counted: 'noncurrentObjects', stored: 202, found: 201 }
    expect((await second.objects.recount({ repair: true })).differences).toEqual([wrong])
    expect(await second.objects.versionTotals(bucket)).toEqual(totals)
  })

  it('is counted once', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    await first.makeBucket()
    await fill(first.objects, 'bucket', 3)
    const { objects } = await testEngine({ stored })
    expect((await objects.recount()).differences).toEqual([])
  })
})
