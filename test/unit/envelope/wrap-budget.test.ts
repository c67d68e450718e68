import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newDek } from '../../../src/envelope/dek.ts'
import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import { budgetedProvider, type WrapCounts, type WrapUse } from '../../../src/envelope/wrap-budget.ts'
import { wrapCounts } from '../../../src/server/wrap-counts.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { memoryKeyProvider } from '../../support/fakes/memory-key-provider.ts'

const CONTEXT = ['a']
const SPENT = { code: 'WrapBudgetSpent' }

async function setUp(limit: number, more: Partial<KeyProvider> = {}) {
  const kms = memoryKeyProvider()
  const serviceInstanceCrn = await kms.newServiceInstance()
  await kms.authorize(serviceInstanceCrn)
  const call = { rootKeyCrn: await kms.newRootKey(), serviceInstanceCrn }
  const store = memoryStore()
  const near: WrapUse[] = []
  const spent: WrapUse[] = []
  /** What the key service was really asked to wrap, by version. */
  const done = new Map<string, number>()
  const counted: KeyProvider = {
    ...kms.provider,
    ...more,
    wrap: async (...args) => {
      const wrapped = await kms.provider.wrap(...args)
      done.set(wrapped.keyVersion, (done.get(wrapped.keyVersion) ?? 0) + 1)
      return wrapped
    },
  }
  /** Another process over the same counts; the one before is gone without a word. */
  const start = () => opened(wrapCounts(store))
  /** Threads of one process: the first has the counts, and knows what the others reserve. */
  const threads = (count: number) => {
    const counts = wrapCounts(store)
    const owner = opened(counts)
    const shared: WrapCounts = {
      ...counts,
      reserve: async (crn, keyVersion, wraps) => {
        const reserved = await counts.reserve(crn, keyVersion, wraps)
        await owner.reservedElsewhere(crn, keyVersion, reserved)
        return reserved
      },
    }
    return [owner, ...Array.from({ length: count - 1 }, () => opened(shared))]
  }
  const opened = (counts: WrapCounts) =>
    budgetedProvider(counted, {
      counts,
      limit,
      derivedLimit: limit * 2,
      onNearLimit: (use) => void near.push(use),
      onSpent: (use) => void spent.push(use),
    })
  const wrapWith = async (provider: KeyProvider) => {
    using dek = newDek()
    return await provider.wrap(call, dek, CONTEXT)
  }
  const stored = async () => (await store.counters(Buffer.alloc(0))).reduce((sum, { value }) => sum + value, 0)
  return { kms, call, store, near, spent, done, start, threads, wrapWith, stored }
}

describe('a wrap budget', () => {
  it('lets no version wrap more often than its limit, whatever happens to the process, and counts at least what it did', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('wrap', 'many at once', 'crash', 'rotate', 'rewrap'), { maxLength: 60 }),
        fc.integer({ min: 64, max: 200 }),
        async (steps, limit) => {
          const { kms, call, done, start, wrapWith, stored } = await setUp(limit)
          let provider = start()
          let first: Awaited<ReturnType<typeof wrapWith>> | undefined
          for (const step of steps) {
            if (step === 'crash') provider = start()
            else if (step === 'rotate') await kms.rotate(call.rootKeyCrn)
            else if (step === 'rewrap') {
              if (first)
                await provider.rewrap(call, first, CONTEXT).catch((error) => expect(error).toMatchObject(SPENT))
            } else {
              const wraps = Array.from({ length: step === 'wrap' ? 1 : 20 }, () => wrapWith(provider))
              for (const result of await Promise.allSettled(wraps)) {
                if (result.status === 'rejected') expect(result.reason).toMatchObject(SPENT)
                else first ??= result.value
              }
            }
            const total = [...done.values()].reduce((sum, wraps) => sum + wraps, 0)
            expect(await stored()).toBeGreaterThanOrEqual(total)
            for (const wraps of done.values()) expect(wraps).toBeLessThanOrEqual(limit)
          }
        },
      ),
      { numRuns: 60 },
    ))

  it('holds for all threads of a process together, which share the counts', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ thread: fc.nat({ max: 2 }), wraps: fc.integer({ min: 1, max: 20 }) }), { maxLength: 40 }),
        fc.integer({ min: 64, max: 200 }),
        async (steps, limit) => {
          const { done, threads, wrapWith } = await setUp(limit)
          const providers = threads(3)
          let refused = 0
          for (const { thread, wraps } of steps) {
            const provider = providers[thread] ?? providers[0]
            if (!provider) throw new Error('there is a thread')
            for (const result of await Promise.allSettled(Array.from({ length: wraps }, () => wrapWith(provider)))) {
              if (result.status === 'rejected') expect(result.reason).toMatchObject(SPENT)
              if (result.status === 'rejected') refused++
            }
          }
          const asked = steps.reduce((sum, { wraps }) => sum + wraps, 0)
          const total = [...done.values()].reduce((sum, wraps) => sum + wraps, 0)
          expect(total).toBeLessThanOrEqual(limit)
          // Nobody is refused while there is plenty left.
          if (asked < limit / 2) expect(refused).toBe(0)
          // What the first knows is what all have done, or more.
          const known = providers[0]?.budgets().reduce((sum, { wraps }) => sum + wraps, 0) ?? 0
          expect(known).toBeGreaterThanOrEqual(total)
        },
      ),
      { numRuns: 60 },
    ))

  it('stops at its limit, tells before, still unwraps, and goes on after a rotation', async () => {
    const { kms, call, near, start, wrapWith } = await setUp(64)
    const provider = start()
    const wrapped = await wrapWith(provider)
    for (let wraps = 1; wraps < 64; wraps++) {
      expect(near).toHaveLength(wraps < 56 ? 0 : 1)
      await wrapWith(provider)
    }
    expect(near).toEqual([{ rootKeyCrn: call.rootKeyCrn, keyVersion: wrapped.keyVersion, wraps: 56, limit: 64 }])
    await expect(wrapWith(provider)).rejects.toMatchObject(SPENT)
    await expect(wrapWith(start())).rejects.toMatchObject(SPENT)
    const { dek } = await provider.unwrap(call, wrapped, CONTEXT)
    dek[Symbol.dispose]()
    await kms.rotate(call.rootKeyCrn)
    expect((await wrapWith(provider)).keyVersion).not.toBe(wrapped.keyVersion)
  })

  it('keeps nothing that reading has it wrap beyond the limit', async () => {
    const { kms, call, start, wrapWith } = await setUp(64)
    const provider = start()
    const old = await wrapWith(provider)
    await kms.rotate(call.rootKeyCrn)
    let kept = 0
    for (let reads = 0; reads < 100; reads++) {
      const { dek, rewrapped } = await provider.unwrap(call, old, CONTEXT)
      dek[Symbol.dispose]()
      if (rewrapped) kept++
    }
    expect(kept).toBe(64)
    const [first, second] = provider.budgets()
    expect([first, second]).toMatchObject([{ state: 'below' }, { wraps: 64, limit: 64, state: 'spent' }])
  })

  it('tells that it is spent, also a process that began so', async () => {
    const { call, near, spent, start, wrapWith } = await setUp(64)
    const provider = start()
    const { keyVersion } = await wrapWith(provider)
    for (let wraps = 1; wraps < 64; wraps++) await wrapWith(provider)
    for (const each of [provider, start()]) await expect(wrapWith(each)).rejects.toMatchObject(SPENT)
    const use = { rootKeyCrn: call.rootKeyCrn, keyVersion, wraps: 64, limit: 64 }
    expect(spent).toEqual([use, use])
    expect(near).toHaveLength(2)
    expect(await provider.wrapsLeft(call.rootKeyCrn, keyVersion)).toBe(0)
    expect(await provider.wrapsLeft(call.rootKeyCrn, 'another')).toBe(56)
  })

  it('writes seldom, and gives away a block at most when the process ends', async () => {
    const { start, wrapWith, stored } = await setUp(6400)
    const provider = start()
    for (let wraps = 0; wraps < 250; wraps++) await wrapWith(provider)
    expect(await stored()).toBe(300)
    await wrapWith(start())
    expect(await stored()).toBe(400)
  })

  it('has another limit where each wrap has a key of its own, and asks nothing more of such a service', async () => {
    const { kms, start, wrapWith } = await setUp(64, { derivesWrapKeys: () => true })
    const provider = start()
    for (let wraps = 0; wraps < 128; wraps++) await wrapWith(provider)
    expect(new Set(kms.calls)).toEqual(new Set(['wrap']))
    await expect(wrapWith(provider)).rejects.toMatchObject(SPENT)
  })
})

it('counts no wrap that a thread reserved and did not use, once it has given it back, and every one that it did', async () => {
  const { threads, wrapWith, stored } = await setUp(640)
  const [owner, other] = threads(2)
  if (!owner || !other) throw new Error('there are two')
  await wrapWith(owner)
  for (let wraps = 0; wraps < 3; wraps++) await wrapWith(other)
  const reserved = await stored()
  await other.giveBack()
  expect(await stored()).toBe(reserved - 7)
  await other.giveBack()
  expect(await stored()).toBe(reserved - 7)
  // Both go on from there.
  for (let wraps = 0; wraps < 10; wraps++) await wrapWith(owner)
  await wrapWith(other)
  await Promise.all([owner.giveBack(), other.giveBack()])
  expect(await stored()).toBe(15)
})
