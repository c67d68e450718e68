import { expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import type { BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { contentBytes } from '../../support/content.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

async function setUp() {
  let stats = 0
  const blobs = (inner: BlobStore): BlobStore => ({
    ...inner,
    stat: (id) => {
      stats++
      return inner.stat(id)
    },
  })
  const engine = await testEngine({ blobs, provider: (inner) => cachedProvider(inner, { permitMs: 0 }) })
  const bucket = await engine.makeBucket()
  const { objects } = engine
  const put = (key: string, bytes: Buffer) => objects.put({ bucket, key, body: bodyOf(bytes), ...plain })
  /** A piece, and how often a stored part was looked at before it was read. */
  const piece = async (key: string, start: number, end: number) => {
    stats = 0
    using object = await objects.open({ bucket, key })
    const bytes = await object.readAtOnce({ start, end })
    return { bytes, looks: stats }
  }
  return { ...engine, bucket, put, piece }
}

it.each([0, 1, 1000, 65_536, 65_537, 300_000])(
  '%i bytes are looked at once, and read again as they are',
  async (size) => {
    const { put, piece, objects, bucket } = await setUp()
    const bytes = contentBytes('opened', size)
    await put('key', bytes)
    const end = Math.min(size, 65_536)
    expect(await piece('key', 0, end)).toEqual({ bytes: bytes.subarray(0, end), looks: 1 })
    for (const start of [0, end >> 1, Math.max(end - 1, 0)]) {
      expect(await piece('key', start, end)).toEqual({ bytes: bytes.subarray(start, end), looks: 0 })
    }
    const from = Math.max(size - 65_536, 0)
    expect(await piece('key', from, size)).toEqual({ bytes: bytes.subarray(from), looks: 0 })
    expect((await readAll(objects, bucket, 'key')).length).toBe(bytes.toString().length)
  },
)

it('nothing of it is used while the root key does not allow it, and nothing is left of it then', async () => {
  const { put, piece, kms, bucket } = await setUp()
  await put('key', contentBytes('opened', 1000))
  await piece('key', 0, 10)
  expect((await piece('key', 0, 10)).looks).toBe(0)
  await kms.disable(bucket.rootKeyCrn)
  await expect(piece('key', 0, 10)).rejects.toMatchObject({ code: 'RootKeyDisabled' })
  await kms.enable(bucket.rootKeyCrn)
  expect((await piece('key', 0, 10)).looks).toBe(1)
})

it('an object that is written again, or added to, is what it is then', async () => {
  const { put, piece, objects, bucket } = await setUp()
  const first = contentBytes('first', 1000)
  await put('key', first)
  await piece('key', 0, 1000)
  const second = contentBytes('second', 1000)
  await objects.append({ bucket, key: 'key', offsetBytes: 1000, body: bodyOf(second), ...plain })
  expect((await piece('key', 500, 1000)).bytes).toEqual(first.subarray(500))
  expect((await piece('key', 1000, 2000)).bytes).toEqual(second)
  // In two parts: not at once.
  expect((await piece('key', 0, 2000)).bytes).toBeUndefined()
  expect(await readAll(objects, bucket, 'key')).toBe(Buffer.concat([first, second]).toString())
  await put('key', second)
  expect((await piece('key', 0, 1000)).bytes).toEqual(second)
})

it('keeps nothing but its own bytes, of a pool that others are in as well', async () => {
  const { put, objects, bucket } = await setUp()
  await put('key', contentBytes('opened', 100_000))
  const salts = async () => {
    using object = await objects.open({ bucket, key: 'key' })
    return object.manifest.parts.map(({ salt }) => salt)
  }
  const [first, kept] = [await salts(), await salts()]
  expect(kept).toEqual(first)
  for (const { buffer } of kept) expect(buffer.byteLength).toBeLessThan(1024)
})
