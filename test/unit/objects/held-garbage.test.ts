import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { blobKey, SPACE } from '../../../src/objects/keyspace.ts'
import type { BlobId, BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

/** Not by way of a pause: until nothing that was begun is left. */
const settled = (engine: Awaited<ReturnType<typeof testEngine>>) => engine.objects.garbage.settled()

async function setUp() {
  const engine = await testEngine()
  await engine.objects.createBucket(engine.newBucket)
  const bucket = engine.objects.buckets.get('bucket')
  const put = (key: string) => engine.objects.put({ bucket, key, body: bodyOf(key.repeat(300)), ...plain })
  return { engine, bucket, put, blobs: () => engine.disk.size }
}

it('removes no bytes while it is held, and all that were deleted meanwhile afterwards', async () => {
  const { engine, bucket, put, blobs } = await setUp()
  for (const key of ['a', 'b', 'c']) await put(key)
  const before = blobs()
  {
    using first = await engine.objects.garbage.hold()
    using second = await engine.objects.garbage.hold()
    await engine.objects.delete({ bucket, key: 'a', conditions: {} })
    await put('b')
    await settled(engine)
    expect(blobs()).toBe(before + 1)
    second[Symbol.dispose]()
    await settled(engine)
    expect(blobs()).toBe(before + 1)
    first[Symbol.dispose]()
  }
  await settled(engine)
  expect(blobs()).toBe(before - 1)
})

it('is held when nothing is being removed any more', async () => {
  const { engine, bucket, put, blobs } = await setUp()
  for (let at = 0; at < 20; at++) await put(`key-${at}`)
  await Promise.all(
    Array.from({ length: 20 }, (_, at) => engine.objects.delete({ bucket, key: `key-${at}`, conditions: {} })),
  )
  using _ = await engine.objects.garbage.hold()
  const held = blobs()
  await settled(engine)
  expect(blobs()).toBe(held)
})

it('has no row of bytes that are gone once it is held, though their removal was said to have failed, or a crash came after it', async () => {
  const gone = new Set<BlobId>()
  const removing = (inner: BlobStore): BlobStore => ({
    ...inner,
    remove: async (ids) => {
      await inner.remove(ids)
      for (const id of ids) gone.add(id)
      return [...ids]
    },
  })
  const first = await testEngine({ blobs: removing })
  const { stored, disk } = first
  await first.makeBucket()
  const bucket = first.objects.buckets.get('bucket')
  for (const key of ['a', 'b', 'c']) {
    await first.objects.put({ bucket, key, body: bodyOf(key.repeat(300)), ...plain })
    await first.objects.delete({ bucket, key, conditions: {} })
  }
  await settled(first)
  const rowsOfGone = async (): Promise<number> =>
    (await stored.getMany(SPACE.blob, [...gone].map(blobKey))).filter((row) => row !== undefined).length
  expect(await rowsOfGone()).toBe(3)

  const second = await testEngine({ stored, disk, lease: '1'.repeat(16), keepOrphans: true })
  using _ = await second.objects.garbage.hold()
  expect(await rowsOfGone()).toBe(0)
})

it('is held however much is being deleted', async () => {
  const slowly = (inner: BlobStore): BlobStore => ({
    ...inner,
    remove: async (ids) => {
      for (let turn = 0; turn < 20; turn++) await setImmediate()
      return inner.remove(ids)
    },
  })
  const engine = await testEngine({ blobs: slowly })
  await engine.makeBucket()
  const bucket = engine.objects.buckets.get('bucket')
  const stopping = new AbortController()
  let deleted = 0
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let at = 0; !stopping.signal.aborted; at++) {
      const key = `${client}/${at}`
      await engine.objects.put({ bucket, key, body: bodyOf(key.repeat(300)), ...plain })
      await engine.objects.delete({ bucket, key, conditions: {} })
      deleted++
      await setImmediate()
    }
  })
  while (deleted < 20) await setImmediate()
  ;(await engine.objects.garbage.hold())[Symbol.dispose]()
  stopping.abort()
  await Promise.all(clients)
})
