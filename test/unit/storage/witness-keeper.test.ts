import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { witnessKeeper } from '../../../src/storage/metadata/witness-keeper.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function keeperOver(start: { readonly kept: number | undefined; readonly synced: number }) {
  const kept: number[] = []
  const errors: unknown[] = []
  const disk = { full: false }
  const keeper = witnessKeeper({
    ...start,
    write: async (sequence) => {
      await Promise.resolve()
      if (disk.full) throw new Error('ENOSPC')
      kept.push(sequence)
    },
    onError: (error) => errors.push(error),
  })
  return { ...keeper, kept, errors, disk }
}

it('notes the first at once and what follows after a pause, as one', async () => {
  const { synced, kept } = keeperOver({ kept: 0, synced: 0 })
  synced(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(kept).toEqual([1])
  for (const sequence of [2, 3, 4]) synced(sequence)
  await vi.advanceTimersByTimeAsync(500)
  expect(kept).toEqual([1])
  await vi.advanceTimersByTimeAsync(1000)
  expect(kept).toEqual([1, 4])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(kept).toEqual([1, 4])
  synced(5)
  await vi.advanceTimersByTimeAsync(1)
  expect(kept).toEqual([1, 4, 5])
})

it('notes the last when it is closed, also of a store that had no witness and wrote nothing', async () => {
  const busy = keeperOver({ kept: 0, synced: 0 })
  for (const sequence of [1, 2, 3]) busy.synced(sequence)
  await busy.close()
  expect(busy.kept.at(-1)).toBe(3)
  const old = keeperOver({ kept: undefined, synced: 7 })
  await old.close()
  expect(old.kept).toEqual([7])
  expect(vi.getTimerCount()).toBe(0)
})

it('does not go back where writes were lost', async () => {
  const { synced, close, kept } = keeperOver({ kept: 50, synced: 20 })
  await close()
  expect(kept).toEqual([])
  synced(51)
  await close()
  expect(kept).toEqual([51])
})

it('says once that it cannot write, tries again, and fails nobody', async () => {
  const { synced, close, kept, errors, disk } = keeperOver({ kept: 0, synced: 0 })
  disk.full = true
  for (const sequence of [1, 2, 3]) {
    synced(sequence)
    await vi.advanceTimersByTimeAsync(5000)
  }
  expect(errors).toHaveLength(1)
  disk.full = false
  await vi.advanceTimersByTimeAsync(1000)
  expect(kept).toEqual([3])
  disk.full = true
  synced(4)
  await close()
  expect(errors).toHaveLength(2)
})

it('is never ahead of what was synced, and level with it at the end', async () => {
  const step = fc.record({ batches: fc.nat(3), waitMs: fc.constantFrom(0, 1, 400, 1000, 3000), full: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { synced, close, kept, disk } = keeperOver({ kept: 0, synced: 0 })
      let sequence = 0
      for (const { batches, waitMs, full } of steps) {
        disk.full = full
        for (let batch = 0; batch < batches; batch++) synced(++sequence)
        await vi.advanceTimersByTimeAsync(waitMs)
        expect(kept.at(-1) ?? 0).toBeLessThanOrEqual(sequence)
      }
      disk.full = false
      await close()
      expect(kept.at(-1) ?? 0).toBe(sequence)
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
    }),
  )
})
