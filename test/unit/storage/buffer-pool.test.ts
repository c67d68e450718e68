import { expect, it } from 'vitest'
import { bufferPool } from '../../../src/storage/blob/buffer-pool.ts'

it('lends a buffer to one at a time, and keeps no more than it may', () => {
  const pool = bufferPool(25)
  const [first, second, third] = [pool.take(10), pool.take(10), pool.take(10)]
  expect(new Set([first, second, third]).size).toBe(3)
  for (const buffer of [first, second, third]) pool.give(buffer)
  const again = [pool.take(10), pool.take(10), pool.take(10)]
  expect(again.filter((buffer) => buffer === first || buffer === second)).toHaveLength(2)
  expect(again).not.toContain(third)
  pool.give(first)
  expect(pool.take(9).length).toBe(9)
  expect(pool.take(10)).toBe(first)
})
