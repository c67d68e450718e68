import { expect, it } from 'vitest'
import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import { budgetedProvider, type WrapUse } from '../../../src/envelope/wrap-budget.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { wrapCounts } from '../../../src/server/wrap-counts.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const LIMIT = 64
const SPENT = { code: 'WrapBudgetSpent' }

async function setUp({ reKey = true } = {}) {
  /** Wraps that the key service was asked for, by version. */
  const done = new Map<string, number>()
  const near: WrapUse[] = []
  const spent: WrapUse[] = []
  const reKeys: Promise<void>[] = []
  const counting = (inner: KeyProvider): KeyProvider => {
    const counted = (keyVersion: string) => void done.set(keyVersion, (done.get(keyVersion) ?? 0) + 1)
    return {
      ...inner,
      wrap: async (...args) => {
        const wrapped = await inner.wrap(...args)
        counted(wrapped.keyVersion)
        return wrapped
      },
      rewrap: async (...args) => {
        const rewrapped = await inner.rewrap(...args)
        counted(rewrapped.keyVersion)
        return rewrapped
      },
    }
  }
  const ready = Promise.withResolvers<Objects>()
  const stored = memoryStore()
  const engine = await testEngine({
    stored,
    rewrap: { automatic: true },
    provider: (inner) =>
      budgetedProvider(counting(inner), {
        counts: wrapCounts(stored),
        limit: LIMIT,
        onNearLimit: (use) => {
          near.push(use)
          if (reKey) reKeys.push(ready.promise.then(({ rewraps }) => rewraps.reKey(use.rootKeyCrn)))
        },
        onSpent: (use) => void spent.push(use),
      }),
  })
  const { objects, kms, newBucket } = engine
  ready.resolve(objects)
  await objects.createBucket({ ...newBucket, bucketKey: false })
  const crn = newBucket.rootKeyCrn
  const now = () => objects.buckets.get('bucket')
  const put = (key: string) => objects.put({ bucket: now(), key, body: bodyOf(key), ...plain })
  const names = (count: number) => Array.from({ length: count }, (_, at) => `k${at}`)
  const fill = async (count: number): Promise<void> => {
    for (const name of names(count)) await put(name)
  }
  const expectReadable = async (count: number): Promise<void> => {
    for (const name of names(count)) expect(await readAll(objects, now(), name)).toBe(name)
  }
  const newest = async () => (await kms.provider.describe({ ...now(), rootKeyCrn: crn })).keyVersion
  const jobOf = () => objects.rewraps.jobs()[0]
  const idle = async () => {
    await Promise.all(reKeys)
    await objects.rewraps.idle()
  }
  return { ...engine, crn, done, near, spent, now, put, fill, expectReadable, newest, jobOf, idle }
}

it('near its limit a root key is relieved by a bucket key, and writes go on without end', async () => {
  const { objects, now, done, near, spent, fill, expectReadable, idle } = await setUp()
  await fill(200)
  await idle()
  expect(near).toHaveLength(1)
  expect(spent).toEqual([])
  expect(now()).toMatchObject({ slots: [{ kind: 'bucket-key' }] })
  for (const wraps of done.values()) expect(wraps).toBeLessThanOrEqual(LIMIT)
  await expectReadable(200)
  expect((await objects.recount()).differences).toEqual([])
})

it('objects with a root key of their own are relieved as well', async () => {
  const { objects, kms, now, near, put, idle } = await setUp()
  const rootKeyCrn = await kms.newRootKey()
  const moved: string[] = []
  for (let at = 0; !near.some((use) => use.rootKeyCrn === rootKeyCrn); at++) {
    const key = `own-${at}`
    await put(key)
    moved.push(key)
    await objects.updateEncryption({ bucket: now(), key, rootKeyCrn, encryption: 'customer-managed', bucketKey: false })
  }
  await idle()
  expect(now().slots.map(({ kind }) => kind)).toEqual(['bucket-key', 'bucket-key'])
  expect(moved.length).toBeGreaterThan(50)
  for (const key of moved) expect(await readAll(objects, now(), key)).toBe(key)
})

it('a rewrap that would take too much of the new version puts the bucket under a bucket key', async () => {
  const { objects, kms, crn, now, done, fill, put, expectReadable, newest, idle } = await setUp()
  await fill(50)
  expect(now().slots).toMatchObject([{ kind: 'root' }])
  await kms.rotate(crn)
  // What a read hands over in the new version is wrapped by it, too.
  for (let reads = 0; reads < 10; reads++) await readAll(objects, now(), 'k0')
  await idle()
  expect(now().slots).toMatchObject([{ kind: 'bucket-key' }])
  // The bucket key, and what was written before it was there.
  expect(done.get(await newest())).toBeLessThan(5)
  await expectReadable(50)
  await put('new')
})

it('at the limit nothing more is wrapped, what is stored is read, and a rewrap goes on as soon as there is a new version', async () => {
  const { objects, kms, crn, now, done, near, spent, put, fill, expectReadable, jobOf, idle } = await setUp({
    reKey: false,
  })
  // The canary and the bucket metadata key are wrapped, too.
  await fill(62)
  await expect(put('more')).rejects.toMatchObject(SPENT)
  expect([near.length, spent.length]).toEqual([1, 1])
  await objects.rewraps.start(now())
  await idle()
  expect(jobOf()).toMatchObject({ state: 'running', problem: 'WrapBudgetSpent' })
  await expectReadable(62)
  await kms.rotate(crn)
  await readAll(objects, now(), 'k0')
  await idle()
  expect(jobOf()).toMatchObject({ state: 'done' })
  await put('more')
  await expectReadable(62)
  for (const wraps of done.values()) expect(wraps).toBeLessThanOrEqual(LIMIT)
})
