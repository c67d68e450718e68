import { expect, it } from 'vitest'
import { countLostWraps, wrapCounts } from '../../../src/server/wrap-counts.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'

const ALLOWANCE = 1000
const KEY = 'crn:v1:bluemix:public:kms:us-south:a/1:2:key:3'

it('counts what may have been wrapped between a backup and its restore, for versions that are known and for others', async () => {
  const store = memoryStore()
  const before = wrapCounts(store, ALLOWANCE)
  await before.reserve(KEY, 'known', 64)
  expect(await before.reserved(KEY, 'unknown')).toBe(0)
  await countLostWraps(store, ALLOWANCE)
  const after = wrapCounts(store, ALLOWANCE)
  expect(await after.reserved(KEY, 'known')).toBe(64 + ALLOWANCE)
  // It may have been made, and have wrapped, in the time that is lost.
  expect(await after.reserved(KEY, 'unknown')).toBe(ALLOWANCE)
  await after.reserve(KEY, 'unknown', 64)
  await after.reserve(KEY, 'unknown', 64)
  expect(await wrapCounts(store, ALLOWANCE).reserved(KEY, 'unknown')).toBe(ALLOWANCE + 128)
  await countLostWraps(store, ALLOWANCE)
  expect(await after.reserved(KEY, 'known')).toBe(64 + 2 * ALLOWANCE)
})
