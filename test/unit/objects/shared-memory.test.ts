import { expect, it } from 'vitest'
import { pinMemory, sharedPins } from '../../../src/objects/shared-pins.ts'
import { versionOrderMemory, versionOrders } from '../../../src/objects/version-id.ts'

it('draws orders that grow over all threads', () => {
  let now = 1_000
  const clock = { now: () => now }
  const memory = versionOrderMemory()
  const threads = [versionOrders(clock, memory), versionOrders(clock, memory)]
  let last = 0n
  for (let draw = 0; draw < 400; draw++) {
    // It is set back, too.
    if (draw % 7 === 0) now += draw % 2 === 0 ? 3 : -2
    const drawn = threads[(draw * 3) % 2]?.next(0n) ?? 0n
    expect(drawn >= last + 2n).toBe(true)
    last = drawn
  }
})

it('holds what others read, and tells the one who waits when the last lets go', () => {
  const memory = pinMemory()
  let released = 0
  const reader = sharedPins(memory, () => released++)
  const collector = sharedPins(memory)
  const id = `${'f'.repeat(28)}1a2b`
  expect(collector.isHeld(id)).toBe(false)
  const [first, second] = [reader.hold(id), reader.hold(id)]
  expect(collector.isHeld('0'.repeat(32))).toBe(false)
  first[Symbol.dispose]()
  expect([collector.isHeld(id), released]).toEqual([true, 0])
  second[Symbol.dispose]()
  expect([collector.isHeld(id), released]).toEqual([false, 1])
  // Nobody waits.
  reader.hold(id)[Symbol.dispose]()
  expect(released).toBe(1)
})
