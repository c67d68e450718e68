import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { cachedProvider } from '../../../src/envelope/cached-provider.ts'
import { recordCipher } from '../../../src/envelope/record-cipher.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { openNonceSource } from '../../../src/storage/metadata/nonce-source.ts'
import { sealedStore } from '../../../src/storage/metadata/sealed-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const KEYS = ['a', 'b', 'z', 'ключ'] as const

async function setUp({ isSlow = false } = {}) {
  const stored = memoryStore()
  const cipher = recordCipher(randomBytes(32), await openNonceSource(stored), 'test')
  let [opened, reads] = [0, 0]
  /** Of the store, and with it what comes in between. */
  const pause = async (): Promise<void> => {
    for (let turns = isSlow ? Math.random() * 4 : 0; turns > 1; turns--) await new Promise(setImmediate)
  }
  const watched = (inner: MetadataStore): MetadataStore => ({
    ...inner,
    range: async (space, range) => {
      if (space === SPACE.head) reads++
      await pause()
      const rows = await inner.range(space, range)
      await pause()
      return rows
    },
    groups: (space, range) => {
      if (space === SPACE.head) reads++
      return inner.groups(space, range)
    },
    commit: async (writes) => {
      await pause()
      const committed = await inner.commit(writes)
      await pause()
      return committed
    },
  })
  const counting: typeof cipher = {
    ...cipher,
    open: (aad, sealed) => {
      if (aad[0] === SPACE.head || aad[0] === SPACE.version) opened++
      return cipher.open(aad, sealed)
    },
  }
  const engine = await testEngine({
    stored,
    metadata: (inner) => sealedStore(watched(inner), counting),
    provider: (inner) => cachedProvider(inner, { permitMs: 0 }),
  })
  const { objects } = engine
  await engine.makeBucket()
  const bucket = await objects.setVersioning(objects.buckets.get('bucket'), 'Enabled')
  const put = (key: string, text: string) => objects.put({ bucket, key, body: bodyOf(text), ...plain })
  const query = { bucket, prefix: '', delimiter: '', limit: 1000 }
  const counted = async <Page>(list: () => Promise<Page>) => {
    opened = 0
    const page = await list()
    return { page, opened }
  }
  return {
    ...engine,
    bucket,
    put,
    reads: () => reads,
    list: () => counted(() => objects.list({ ...query, after: '' })),
    versions: () => counted(() => objects.listVersions({ ...query, keyMarker: '', versionIdMarker: '' })),
  }
}

it('rows that a page told of are told again without being opened', async () => {
  const { put, list, versions, objects, bucket } = await setUp()
  for (const key of KEYS) await put(key, `first ${key}`)
  for (const key of KEYS) await put(key, `second ${key}`)
  await objects.delete({ bucket, key: 'a', conditions: {} })
  const first = { list: await list(), versions: await versions() }
  expect(first.list.opened).toBe(KEYS.length - 1)
  // The heads are those of the page before; both versions of `a`, its marker, and one of each other key are not.
  expect(first.versions.opened).toBe(2 + 1 + KEYS.length - 1)
  expect(first.versions.page.items.filter(({ deleteMarker }) => deleteMarker)).toHaveLength(1)
  expect(await list()).toEqual({ page: first.list.page, opened: 0 })
  expect(await versions()).toEqual({ page: first.versions.page, opened: 0 })
})

it('a row that was written since is told as it is', async () => {
  const { put, list, objects, bucket } = await setUp()
  for (const key of KEYS) await put(key, 'same')
  const { page: before } = await list()
  await put('b', 'another length')
  await objects.delete({ bucket, key: 'z', conditions: {} })
  const { page, opened } = await list()
  expect(opened).toBe(1)
  expect(page.items.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
    ['a', 4],
    ['b', 14],
    ['ключ', 4],
  ])
  expect(page.items[1]?.summary?.etag).not.toBe(before.items[1]?.summary?.etag)
  expect(page.items[0]).toEqual(before.items[0])
})

it('a page that nothing was written to since is told again without a look at the store, by whatever was asked', async () => {
  const { put, objects, bucket, reads } = await setUp()
  for (const key of ['a', 'f/b', 'f/c', 'g']) await put(key, 'same')
  const questions = [{}, { delimiter: '/' }, { after: 'a', limit: 2 }, { prefix: 'f/' }, { after: 'g' }].map(
    (more) => ({
      ...{ bucket, prefix: '', delimiter: '', after: '', limit: 1000 },
      ...more,
    }),
  )
  const all = () => Promise.all(questions.map((question) => objects.list(question)))
  const first = await all()
  expect(first.map(({ items, commonPrefixes }) => [...items.map(({ key }) => key), ...commonPrefixes])).toEqual([
    ...[['a', 'f/b', 'f/c', 'g'], ['a', 'g', 'f/'], ['f/b', 'f/c'], ['f/b', 'f/c'], []],
  ])
  const before = reads()
  expect(before).toBeGreaterThanOrEqual(questions.length)
  expect(await all()).toEqual(first)
  expect(reads()).toBe(before)
  const other = await objects.createBucket({ ...bucket, name: 'other' })
  await objects.put({ bucket: other, key: 'a', body: bodyOf('x'), ...plain })
  expect(await all()).toEqual(first)
  expect(reads()).toBe(before)
  await objects.changeProperties({ bucket, key: 'g' }, (now) => ({ ...now, storageClass: 'COLD' }))
  expect((await all())[0]?.items.at(-1)).toMatchObject({ key: 'g', storageClass: 'COLD' })
  expect(reads()).toBe(before + questions.length)
})

it('a list has all that was acknowledged before it was asked for, whatever is written meanwhile', async () => {
  const { objects, bucket } = await setUp({ isSlow: true })
  const acknowledged = new Map<string, number>()
  let isOver = false
  const write = async (key: string): Promise<void> => {
    for (let bytes = 1; bytes <= 40; bytes++) {
      await objects.put({ bucket, key, body: bodyOf('x'.repeat(bytes)), ...plain })
      acknowledged.set(key, bytes)
    }
  }
  let asked = 0
  const list = async (): Promise<void> => {
    while (!isOver) {
      const due = [...acknowledged]
      const { items } = await objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 1000 })
      asked++
      const sizes = new Map(items.map(({ key, sizeBytes }) => [key, sizeBytes]))
      for (const [key, bytes] of due) expect(sizes.get(key)).toBeGreaterThanOrEqual(bytes)
      if (asked % 3 === 0) await new Promise(setImmediate)
    }
  }
  const readers = [list(), list(), list()]
  await Promise.all(KEYS.map(write))
  isOver = true
  await Promise.all(readers)
  expect(asked).toBeGreaterThan(10)
})

it('nothing of it is told while the root key does not allow it, and nothing is left of it then', async () => {
  const { put, list, kms, bucket } = await setUp()
  for (const key of KEYS) await put(key, 'text')
  const { page: open } = await list()
  expect(open.items.every(({ summary }) => summary?.etag.length === 32)).toBe(true)
  await kms.disable(bucket.rootKeyCrn)
  const locked = await list()
  expect(locked.page.items.map(({ key, summary }) => [key, summary])).toEqual(KEYS.map((key) => [key, undefined]))
  expect(locked.opened).toBe(KEYS.length)
  await kms.enable(bucket.rootKeyCrn)
  expect(await list()).toEqual({ page: open, opened: KEYS.length })
  expect((await list()).opened).toBe(0)
})
