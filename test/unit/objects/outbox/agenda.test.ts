import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openAgenda } from '../../../../src/objects/outbox/agenda.ts'
import type { Lane } from '../../../../src/objects/outbox/lane.ts'

/** A lane that does what it is told to, and counts how often it is asked. */
function puppet(atMs: number) {
  const state = { atMs, isFlying: false, isIdle: false, turns: 0, asked: 0 }
  const lane: Lane = {
    news: () => {},
    nextMs: () => {
      state.asked++
      return state.isFlying ? Number.POSITIVE_INFINITY : state.atMs
    },
    isIdle: () => state.isIdle,
    isFlying: () => state.isFlying,
    turn: () => {
      state.turns++
      state.isFlying = true
    },
    ended: async () => {},
  }
  return { lane, state }
}
const always = () => true

it('each lane whose time has come has a turn, one that was changed to later or is gone has none, and the next time is the least', () => {
  const act = fc.record({ lane: fc.nat(7), atMs: fc.integer({ min: 1, max: 60 }), gone: fc.nat(9) })
  const step = fc.record({ acts: fc.array(act, { maxLength: 8 }), passMs: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let nowMs = 0
      const agenda = openAgenda(() => nowMs)
      const puppets = new Map<string, ReturnType<typeof puppet>>()
      for (const { acts, passMs } of steps) {
        for (const { lane, atMs, gone } of acts) {
          const name = `lane ${lane}`
          const known = puppets.get(name)
          if (known) {
            Object.assign(known.state, { atMs: nowMs + atMs, isFlying: false, isIdle: gone === 0 })
            agenda.changed(name)
            if (gone === 0) puppets.delete(name)
            // What is idle is only forgotten once it has been looked at.
            if (gone === 0) agenda.turns(() => false)
          } else {
            const made = puppet(nowMs + atMs)
            puppets.set(name, made)
            agenda.add(name, made.lane)
          }
        }
        agenda.turns(() => false)
        nowMs += passMs
        const before = new Map([...puppets].map(([name, { state }]) => [name, { ...state }]))
        agenda.turns(always)
        for (const [name, { state }] of puppets) {
          const was = before.get(name)
          const isDue = was !== undefined && !was.isFlying && was.atMs <= nowMs
          expect(state.turns - (was?.turns ?? 0)).toBe(isDue ? 1 : 0)
        }
        const waiting = [...puppets.values()].filter(({ state }) => !state.isFlying).map(({ state }) => state.atMs)
        // A place of before may come first: then it is looked at for nothing.
        expect(agenda.nextMs()).toBeLessThanOrEqual(Math.min(Number.POSITIVE_INFINITY, ...waiting))
        expect(agenda.isEmpty()).toBe(puppets.size === 0)
      }
    }),
  )
})

it('each lane has its turn before any has another', () => {
  const agenda = openAgenda(() => 0)
  const puppets = Array.from({ length: 5 }, () => puppet(0))
  for (const [index, { lane }] of puppets.entries()) agenda.add(`${index}`, lane)
  for (let turn = 0; turn < 10; turn++) {
    let room = 2
    agenda.turns(() => room-- > 0)
    for (const [index, { state }] of puppets.entries()) {
      state.isFlying = false
      agenda.changed(`${index}`)
    }
  }
  expect(puppets.map(({ state }) => state.turns)).toEqual([4, 4, 4, 4, 4])
})

it('of thousands of lanes, only those are asked that have changed or whose time has come', () => {
  let nowMs = 0
  const agenda = openAgenda(() => nowMs)
  const puppets = Array.from({ length: 4000 }, (_, index) => puppet(1000 + index))
  for (const [index, { lane }] of puppets.entries()) agenda.add(`${index}`, lane)
  agenda.turns(always)
  const asked = () => puppets.reduce((sum, { state }) => sum + state.asked, 0)
  const before = asked()
  for (let round = 0; round < 100; round++) {
    nowMs += 20
    agenda.changed(`${round}`)
    agenda.turns(always)
  }
  expect(puppets.filter(({ state }) => state.turns > 0)).toHaveLength(1001)
  expect(asked() - before).toBeLessThan(5 * 1100)
})
