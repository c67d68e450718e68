import { expect, it } from 'vitest'
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
