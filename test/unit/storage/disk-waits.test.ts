import { expect, it } from 'vitest'
import { diskWaits } from '../../../src/storage/blob/disk-waits.ts'

function watched() {
  const time = { nowMs: 1000 }
  const waits = diskWaits(() => time.nowMs)
  const read = (tookMs: number): void => {
    const startedAtMs = time.nowMs
    time.nowMs += tookMs
    waits.blocked(startedAtMs)
  }
  return { time, waits, read }
}

it('lets reads out of memory block for ever', () => {
  const { waits, read } = watched()
  for (let count = 0; count < 10_000; count++) {
    expect(waits.mayBlock()).toBe(true)
    read(0.1)
  }
})

it('lets reads of a cold disk take no more than a twentieth of the time in the long run', () => {
  const { time, waits, read } = watched()
  let blockedMs = 0
  const startMs = time.nowMs
  while (time.nowMs < startMs + 60_000) {
    if (waits.mayBlock()) {
      read(10)
      blockedMs += 10
    }
    time.nowMs += 1
  }
  expect(blockedMs / 60_000).toBeGreaterThan(0.04)
  expect(blockedMs / 60_000).toBeLessThan(0.06)
})

it('stays away from a disk that hung', () => {
  const { time, waits, read } = watched()
  read(1000)
  time.nowMs += 15_000
  expect(waits.mayBlock()).toBe(false)
  time.nowMs += 10_000
  expect(waits.mayBlock()).toBe(true)
})
