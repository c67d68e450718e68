import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteQueue } from '../../../src/envelope/byte-queue.ts'
import { pattern } from './fixtures.ts'

describe('byte queue', () => {
  it('gives out what went in, however it is cut', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 4_000, max: 30_000 })), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(50_000), { maxLength: 60 }), (pushes, takes) => {
        const source = pattern(pushes.reduce((sum, size) => sum + size, 0))
        const queue = new ByteQueue()
        const out: Uint8Array[] = []
        const wanted = [...takes]
        let at = 0
        for (const size of pushes) {
          queue.push(source.subarray(at, at + size))
          at += size
          const next = wanted.pop() ?? 0
          if (next <= queue.length) {
            const taken = queue.take(next)
            expect(taken.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(next)
            out.push(...taken)
          }
        }
        out.push(...queue.take(queue.length))
        expect(Buffer.concat(out).equals(source)).toBe(true)
        expect(queue.length).toBe(0)
      }),
    )
  })

  it('gathers tiny chunks', () => {
    const queue = new ByteQueue()
    for (let i = 0; i < 65_536; i++) queue.push(Buffer.of(i & 255))
    expect(queue.take(65_536).length).toBeLessThanOrEqual(32)
  })

  it('does not copy large chunks', () => {
    const chunk = pattern(10_000)
    const queue = new ByteQueue()
    queue.push(chunk)
    expect(queue.take(10_000)[0]?.buffer).toBe(chunk.buffer)
  })

  it('Precondition: the queue holds `length` bytes.', () => {
    expect(() => new ByteQueue().take(1)).toThrow(RangeError)
  })
})
