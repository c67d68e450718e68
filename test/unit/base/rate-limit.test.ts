import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkOf } from '../../../src/base/networks.ts'
import { rateLimit, rateMemory, sharedRateLimit } from '../../../src/base/rate-limit.ts'

describe('A rate limit', () => {
  it('lets so many at once, then one after each step, and tells when', () => {
    let nowMs = 5000
    const limit = rateLimit(4, 1000, () => nowMs)
    for (let n = 0; n < 4; n++) {
      expect(limit.waitMs('a')).toBe(0)
      limit.take('a')
    }
    expect(limit.waitMs('a')).toBe(250)
    expect(limit.waitMs('b')).toBe(0)
    nowMs += 249
    expect(limit.waitMs('a')).toBe(1)
    nowMs += 1
    expect(limit.waitMs('a')).toBe(0)
    limit.take('a')
    expect(limit.waitMs('a')).toBe(250)
  })

  it('never lets more than its count and what came due, however it is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 200 }),
        (count, steps) => {
          let nowMs = 0
          let taken = 0
          const limit = rateLimit(count, 1000, () => nowMs)
          for (const step of steps) {
            nowMs += step
            if (limit.waitMs('a') > 0) continue
            limit.take('a')
            taken++
          }
          expect(taken).toBeLessThanOrEqual(count + Math.floor((nowMs * count) / 1000) + 1)
        },
      ),
    )
  })

  it('of nothing is none', () => {
    const limit = rateLimit(0, 1000, () => 0)
    for (let n = 0; n < 1000; n++) limit.take('a')
    expect(limit.waitMs('a')).toBe(0)
  })
})

describe('The network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::', 'fe80:0:0:0::/64'],
    [undefined, ''],
  ])('%s is in %s', (address, network) => expect(networkOf(address)).toBe(network))
})

describe('a rate limit of several threads', () => {
  it('is the same for what any of them takes as one alone would be', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.record({ thread: fc.nat({ max: 2 }), passMs: fc.integer({ min: 0, max: 300 }) }), {
          maxLength: 80,
        }),
        (count, steps) => {
          let nowMs = 5_000
          const memory = { memory: rateMemory(), seed: 'seed' }
          const threads = Array.from({ length: 3 }, () =>
            sharedRateLimit(count, 1000, memory, () => BigInt(nowMs) * 1000n),
          )
          const alone = rateLimit(count, 1000, () => nowMs)
          for (const { thread, passMs } of steps) {
            nowMs += passMs
            const shared = threads[thread] ?? threads[0]
            // To the microsecond.
            expect(Math.abs((shared?.waitMs('a') ?? 0) - alone.waitMs('a'))).toBeLessThan(0.1)
            shared?.take('a')
            alone.take('a')
          }
        },
      ),
    ))
})
