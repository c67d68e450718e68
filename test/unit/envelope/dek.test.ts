import { describe, expect, it } from 'vitest'
import { newDek } from '../../../src/envelope/dek.ts'

describe('new DEK', () => {
  it('is 32 random bytes, never the same, in memory of its own that is zeroed at the end', () => {
    // More than are drawn at a time.
    const deks = Array.from({ length: 300 }, newDek)
    expect(new Set(deks.map(({ bytes }) => bytes.toString('hex'))).size).toBe(deks.length)
    expect(deks.every(({ bytes }) => bytes.length === 32 && bytes.buffer.byteLength === 32)).toBe(true)
    expect(deks.every(({ bytes }) => bytes.some((byte) => byte !== 0))).toBe(true)
    for (const dek of deks) dek[Symbol.dispose]()
    expect(deks.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true)
  })
})
