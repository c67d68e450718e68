import { describe, expect, it } from 'vitest'
import { clockIsTrusted } from '../../../src/objects/lifecycle/state.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'

const HOUR_MS = 3_600_000

describe('The clock of lifecycle rules', () => {
  it('is not believed when it jumps ahead, until it goes on like that or is set right', async () => {
    const stored = memoryStore()
    const start = Date.UTC(2030, 0, 1)
    const at = (hours: number) => clockIsTrusted(stored, start + hours * HOUR_MS)
    expect(await at(0)).toBe(true)
    expect(await at(1)).toBe(true)
    expect(await at(24 * 365)).toBe(false)
    expect(await at(24 * 365 + 0.1)).toBe(false)
    expect(await at(2)).toBe(true)
    expect(await at(100)).toBe(false)
    expect(await at(100.6)).toBe(true)
    expect(await at(120)).toBe(true)
  })

  it('is not believed because it was set back a little while it is far ahead', async () => {
    const stored = memoryStore()
    const start = Date.UTC(2030, 0, 1)
    const at = (hours: number) => clockIsTrusted(stored, start + hours * HOUR_MS)
    expect(await at(0)).toBe(true)
    expect(await at(9600)).toBe(false)
    expect(await at(9599.8)).toBe(false)
    expect(await at(9599.9)).toBe(false)
    // Another step ahead is one from where it is believed, too.
    expect(await at(9700)).toBe(false)
    expect(await at(30)).toBe(false)
    expect(await at(23)).toBe(true)
  })
})
