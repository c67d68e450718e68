import { expect, it } from 'vitest'
import { openSequencers } from '../../../src/objects/notifications/sequencers.ts'
import { versionOrderMemory } from '../../../src/objects/version-id.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'

const DAY_MS = 86_400_000

it('gives later events later sequencers, though the clock was set back over a restart and nothing is queued', async () => {
  const metadata = memoryStore()
  const given: string[] = []
  for (const days of [100, 400, 20, 20, 401, 1]) {
    const sequencers = await openSequencers(metadata, { now: () => days * DAY_MS })
    given.push(sequencers.next(), sequencers.next())
    await metadata.commit([sequencers.write()])
  }
  expect(given).toEqual([...new Set(given)].sort())
  expect(given.every((one) => /^[0-9A-F]{16}$/.test(one))).toBe(true)
})

it('gives no two threads the same sequencer, and the later one always the greater', async () => {
  const metadata = memoryStore()
  const memory = versionOrderMemory()
  const open = () => openSequencers(metadata, { now: () => 100 * DAY_MS }, memory)
  const threads = [await open(), await open()]
  const given = Array.from({ length: 10 }, (_, turn) => threads[turn % 2]?.next())
  expect(given).toEqual([...new Set(given)].sort())
})
