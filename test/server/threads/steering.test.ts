import { beforeEach, describe, expect, it } from 'vitest'
import { type Decision, type Room, steering } from '../../../src/server/threads/steering.ts'
import type { ThreadLoad } from '../../../src/server/threads/thread-load.ts'

const GIB = 1024 ** 3
const IDLE_MS = 60_000
const PLENTY: Room = { cores: 1, bytes: GIB }

let nowMs: number
let room: Room
let steer: ReturnType<typeof steering>
beforeEach(() => {
  nowMs = 0
  room = PLENTY
  steer = steering({ most: 3, idleMs: IDLE_MS, watchRoom: () => () => room, now: () => nowMs })
})

const load = (more: Partial<ThreadLoad> = {}): ThreadLoad => ({
  ...{ busy: 1, ran: 1, active: 32, requests: 1000, handedOn: 0 },
  ...more,
})
const idle = load({ busy: 0.01, ran: 0.01, active: 1, requests: 1 })

/** What is decided in so many seconds of this. */
function during(seconds: number, loads: readonly ThreadLoad[]): readonly Decision[] {
  const decisions: Decision[] = []
  for (let second = 0; second < seconds; second++) {
    nowMs += 1000
    decisions.push(steer.decide(loads))
  }
  return decisions
}
const changes = (decisions: readonly Decision[]) => decisions.flatMap(({ change }) => change ?? [])
const moved = (decisions: readonly Decision[]) => decisions.flatMap(({ end }) => end ?? [])

describe('one thread more', () => {
  it('comes when all are busy for long, and not for a burst', () => {
    expect(changes(during(4, [load()]))).toEqual([])
    expect(changes(during(1, [idle]))).toEqual([])
    expect(changes(during(5, [load()]))).toEqual([])
    expect(changes(during(1, [load()]))).toEqual([{ by: 1, reason: 'busy' }])
  })

  it.each<[string, readonly ThreadLoad[], Room]>([
    ['no core is free', [load()], { cores: 0.1, bytes: GIB }],
    ['there is little memory', [load()], { cores: 1, bytes: GIB / 16 }],
    ['one connection asks for everything', [load({ active: 1 })], PLENTY],
    ['the thread does not get the core that it has', [load({ ran: 0.5 })], PLENTY],
    ['one of two has little to do', [load(), load({ busy: 0.4, ran: 0.4 })], PLENTY],
    ['as many serve as may', [load(), load(), load()], PLENTY],
  ])('does not come when %s', (_, loads, given) => {
    room = given
    expect(changes(during(60, loads))).toEqual([])
  })

  it('is not tried again for a while when it could not be had', () => {
    steer.rest()
    expect(changes(during(590, [load()]))).toEqual([])
    expect(changes(during(20, [load()]))).toContainEqual({ by: 1, reason: 'busy' })
  })
})

describe('one thread fewer', () => {
  it('serves when those that are left have little to do for long', () => {
    expect(changes(during(60, [idle, idle]))).toEqual([])
    expect(changes(during(1, [load(), load()]))).toEqual([])
    expect(changes(during(61, [idle, idle]))).toEqual([{ by: -1, reason: 'quiet' }])
    // Each after as long.
    expect(changes(during(61, [idle, idle]))).toEqual([{ by: -1, reason: 'quiet' }])
    expect(changes(during(600, [idle]))).toEqual([])
  })

  it('serves when others use the cores, and none comes back for a while', () => {
    const crowded = load({ ran: 0.4 })
    expect(changes(during(11, [crowded, crowded]))).toEqual([{ by: -1, reason: 'crowded' }])
    expect(changes(during(590, [load()]))).toEqual([])
  })

  it('serves when most of what is asked for is handed on', () => {
    const busy = [load(), load({ busy: 0.5, ran: 0.5, handedOn: 900 })]
    expect(changes(during(11, busy))).toEqual([{ by: -1, reason: 'handed-on' }])
    expect(changes(during(60, [load(), load({ handedOn: 100 })]))).toEqual([])
  })
})

describe('connections', () => {
  it('move from the busiest thread until all have about as many, every other time', () => {
    expect(moved(during(2, [load({ active: 64 }), load({ busy: 0, ran: 0, active: 0 })]))).toEqual([
      { thread: 0, connections: 32 },
    ])
    expect(moved(during(2, [load({ busy: 0.5, active: 10 }), load({ active: 50 })]))).toEqual([
      { thread: 1, connections: 20 },
    ])
  })

  it.each<[string, readonly ThreadLoad[]]>([
    ['there is one thread', [load({ active: 1000 })]],
    ['the loads are about the same', [load({ active: 50 }), load({ busy: 0.9, active: 10 })]],
    ['they are about as many', [load({ active: 33 }), load({ busy: 0.5, active: 31 })]],
    ['there is one', [load({ active: 1 }), load({ busy: 0, active: 0 })]],
    ['nobody is busy', [idle, idle]],
  ])('stay when %s', (_, loads) => {
    expect(moved(during(20, loads))).toEqual([])
  })
})
