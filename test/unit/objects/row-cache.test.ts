import { expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { rowCache } from '../../../src/objects/row-cache.ts'
import { generationMemory, generations } from '../../../src/storage/metadata/generations.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'

const ROW = Buffer.from('row')
const put = (value: string) => ({ type: 'put', space: SPACE.head, key: ROW, value: Buffer.from(value) }) as const

/** A store whose reads and commits wait to be let through, before and after they are done. */
function held() {
  const inner = memoryStore()
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const looked: string[] = []
  const pass = async (gate: string): Promise<void> => gates.get(gate)?.promise
  const store: MetadataStore = {
    ...inner,
    get: async (space, key) => {
      looked.push(key.toString())
      await pass('before get')
      const entry = await inner.get(space, key)
      await pass('after get')
      return entry
    },
    commit: async (writes) => {
      await pass('before commit')
      const done = await inner.commit(writes)
      await pass('after commit')
      return done
    },
  }
  const hold = (gate: string): (() => void) => {
    const waiting = Promise.withResolvers<void>()
    gates.set(gate, waiting)
    return () => {
      gates.delete(gate)
      waiting.resolve()
    }
  }
  const cache = rowCache(store)
  const value = async () => (await cache.get(SPACE.head, ROW))?.value.toString()
  return { inner, store, cache, hold, looked, value }
}

it('looks a row up once, and again after it was written', async () => {
  const { cache, looked, value } = held()
  await cache.commit([put('one')])
  expect([await value(), await value()]).toEqual(['one', 'one'])
  expect(looked).toHaveLength(1)
  await cache.commit([put('two')])
  expect([await value(), await value()]).toEqual(['two', 'two'])
  expect(looked).toHaveLength(2)
  await cache.commit([{ type: 'delete', space: SPACE.head, key: ROW }])
  expect(await value()).toBeUndefined()
})

it.each(['before get', 'after get'])('keeps nothing that a commit overtook %s', async (gate) => {
  const { cache, hold, value } = held()
  await cache.commit([put('one')])
  const letGet = hold(gate)
  const first = value()
  await new Promise(setImmediate)
  await cache.commit([put('two')])
  letGet()
  await first
  expect(await value()).toBe('two')
})

it.each(['before commit', 'after commit'])('keeps nothing that was read while a commit waited %s', async (gate) => {
  const { cache, hold, value } = held()
  await cache.commit([put('one')])
  const letCommit = hold(gate)
  const commit = cache.commit([put('two')])
  const letGet = hold('after get')
  const first = value()
  await new Promise(setImmediate)
  letCommit()
  await commit
  letGet()
  await first
  expect(await value()).toBe('two')
})

it('keeps a row no more whose commit has an outcome that nobody knows', async () => {
  const { store, inner, looked } = held()
  const cache = rowCache({
    ...store,
    commit: async () => {
      throw new CodedError('CommitUnknown', 'the network went away')
    },
  })
  await inner.commit([put('one')])
  await expect(cache.commit([put('two')])).rejects.toMatchObject({ code: 'CommitUnknown' })
  expect((await cache.get(SPACE.head, ROW))?.value.toString()).toBe('one')
  await inner.commit([put('two')])
  expect((await cache.get(SPACE.head, ROW))?.value.toString()).toBe('two')
  expect(looked).toHaveLength(2)
})

it('keeps a row that a commit did not write after all', async () => {
  const { cache, looked, value } = held()
  await cache.commit([put('one')])
  expect(await cache.commit([{ ...put('two'), if: null }])).toBe(false)
  expect([await value(), await value()]).toEqual(['one', 'one'])
  expect(looked).toHaveLength(1)
})

it('sees by its number that another thread wrote a row, also while it is being read', async () => {
  const memory = generationMemory()
  const numbers = generations(memory)
  const { inner, store, hold } = held()
  /** As the thread that decides commits does it: written, numbered, and only then told. */
  const writeElsewhere = async (value: string): Promise<void> => {
    await inner.commit([put(value)])
    generations(memory).changed(Buffer.concat([Buffer.from([SPACE.head]), ROW]))
  }
  const cache = rowCache(store, numbers)
  const value = async () => (await cache.get(SPACE.head, ROW))?.value.toString()
  await writeElsewhere('one')
  expect([await value(), await value()]).toEqual(['one', 'one'])
  await writeElsewhere('two')
  expect(await value()).toBe('two')
  const release = hold('after get')
  await writeElsewhere('three')
  const overtaken = value()
  await new Promise(setImmediate)
  await writeElsewhere('four')
  release()
  expect(await overtaken).toBe('three')
  expect(await value()).toBe('four')
})

it('A row that is kept has its key in memory of its own, and not in a pool that would be kept with it', async () => {
  const store = rowCache(memoryStore())
  const key = Buffer.from('a key out of the pool')
  await store.commit([{ ...put('value'), key }])
  const [read, kept] = [await store.get(SPACE.head, key), await store.get(SPACE.head, key)]
  expect(kept).toEqual(read)
  expect(kept?.key.buffer.byteLength).toBe(key.length)
})

it('says with one mark how long the objects of a bucket are as they were', async () => {
  const memory = generationMemory()
  const { inner, store, hold } = held()
  const cache = rowCache(store, generations(memory))
  const [bucket, other] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)]
  const object = Buffer.concat([bucket, Buffer.from('key')])
  const mark = () => cache.headsMark(bucket)
  const elsewhere = () => cache.headsMark(other)
  const [begun, there] = [mark(), elsewhere()]
  expect(mark()).toBe(begun)
  await cache.commit([{ ...put('one'), key: object }])
  const written = mark()
  expect(written).not.toBe(begun)
  // Nobody knows yet whether it is written.
  const release = hold('before commit')
  const running = cache.commit([{ ...put('two'), key: object }])
  expect(mark()).toBeUndefined()
  release()
  await running
  expect(mark()).not.toBe(written)
  const before = mark()
  await inner.commit([{ ...put('three'), key: object }])
  generations(memory).changed(Buffer.concat([Buffer.from([SPACE.head]), object]))
  expect(mark()).not.toBe(before)
  await cache.commit([{ ...put('a version'), space: SPACE.version, key: object }])
  expect([mark() === before, elsewhere() === there]).toEqual([false, true])
})

it('forgets of buckets that come and go, and then no mark of before holds', async () => {
  const cache = rowCache(memoryStore())
  const bucketOf = (n: number): Buffer => {
    const id = Buffer.alloc(16)
    id.writeUInt32BE(n)
    return id
  }
  const commit = (n: number) => cache.commit([{ ...put('x'), key: Buffer.concat([bucketOf(n), ROW]) }])
  await commit(0)
  const before = cache.headsMark(bucketOf(0))
  const untouched = cache.headsMark(bucketOf(1_000_000))
  for (let n = 1; n <= 10_000; n++) await commit(n)
  // Of these no count is left, so they cannot be told from what they were but by this.
  expect([cache.headsMark(bucketOf(0)), cache.headsMark(bucketOf(1_000_000))]).not.toContain(before)
  expect(cache.headsMark(bucketOf(1_000_000))).not.toBe(untouched)
  const now = cache.headsMark(bucketOf(0))
  await commit(0)
  expect(cache.headsMark(bucketOf(0))).not.toBe(now)
})

it('gives no mark any more where a commit may still come', async () => {
  const inner = memoryStore()
  const unknown = () => Promise.reject(new CodedError('CommitUnknown', 'who knows'))
  const cache = rowCache({ ...inner, commit: unknown })
  await expect(cache.commit([put('one')])).rejects.toThrow('who knows')
  expect(cache.headsMark(ROW)).toBeUndefined()
  const refusing = rowCache({ ...inner, commit: () => Promise.reject(new CodedError('BudgetSpent', 'no')) })
  await expect(refusing.commit([put('one')])).rejects.toThrow('no')
  expect(refusing.headsMark(ROW)).toBeDefined()
})
