import type { ThreadLoad } from './thread-load.ts'

/** Why a thread more or less serves. */
export type Reason = 'busy' | 'quiet' | 'crowded' | 'handed-on'

export interface Decision {
  readonly change?: { readonly by: 1 | -1; readonly reason: Reason }
  /** Of the thread at this place so many connections are to end, so that their clients connect again, to any. */
  readonly end?: { readonly thread: number; readonly connections: number }
}

export interface SteeringOptions {
  /** As many serve at most. */
  readonly most: number
  /** A thread that nobody needed for so long leaves. */
  readonly idleMs: number
  /** Cores that nobody used since the function was made, on the average, and memory that is left. */
  readonly watchRoom: () => () => Room
  readonly now: () => number
}

export interface Room {
  readonly cores: number
  readonly bytes: number
}

const BUSY = 0.8
/** A burst is over before another thread would help. */
const BUSY_MS = 5000
const WRONG_MS = 10_000
/** So long nothing is tried again that was of no use. */
const REST_MS = 10 * 60_000
/** What another thread needs before it can be of use: it compiles its code, and works for the others' commits. */
const ROOM: Room = { cores: 0.3, bytes: 256 * 1024 * 1024 }
/** Of the time in which they wanted a core threads got one: below, more of them only wait for each other. */
const CROWDED = 0.6
/** Those that are left would be busy for less than half of their time. */
const QUIET = 0.5
/** Where the threads' loads differ by less, moving connections costs more than it brings. */
const UNEVEN = 0.2

/** How many threads should serve, by what they did, once a second or so. Loads: of those that serve, the owner's first. */
export function steering({ most, idleMs, watchRoom, now }: SteeringOptions) {
  const lasting = () => {
    let since: number | undefined
    return (isSo: boolean): number => {
      since = isSo ? (since ?? now()) : undefined
      return since === undefined ? -1 : now() - since
    }
  }
  const quiet = lasting()
  const crowded = lasting()
  const handedOn = lasting()
  let busySince: { readonly at: number; readonly room: () => Room } | undefined
  let restUntil = Number.NEGATIVE_INFINITY
  let mayMove = true

  const wantsMore = (loads: readonly ThreadLoad[]): boolean => {
    const isBusy =
      loads.length < most &&
      now() >= restUntil &&
      sum(loads, ({ busy }) => busy) >= BUSY * loads.length &&
      // There is somebody for one more.
      sum(loads, ({ active }) => active) > loads.length &&
      got(loads) >= BUSY
    if (!isBusy) {
      busySince = undefined
      return false
    }
    busySince ??= { at: now(), room: watchRoom() }
    if (now() - busySince.at < BUSY_MS) return false
    const { cores, bytes } = busySince.room()
    busySince = undefined
    return cores >= ROOM.cores && bytes >= ROOM.bytes
  }

  const wantsFewer = (loads: readonly ThreadLoad[]): Reason | undefined => {
    const several = loads.length > 1
    const others = loads.slice(1)
    const busy = sum(loads, (load) => load.busy)
    const isCrowded = several && busy >= BUSY * loads.length && got(loads) < CROWDED
    const requests = sum(others, (load) => load.requests)
    const isHandedOn = several && requests > 0 && sum(others, (load) => load.handedOn) > requests / 2
    const isBusy = Math.max(...loads.map((load) => load.busy)) >= BUSY
    const found = {
      quiet: quiet(several && busy < QUIET * (loads.length - 1)) >= idleMs,
      crowded: crowded(isCrowded) >= WRONG_MS,
      handedOn: handedOn(isHandedOn && isBusy) >= WRONG_MS,
    }
    if (found.crowded) return 'crowded'
    if (found.handedOn) return 'handed-on'
    return found.quiet ? 'quiet' : undefined
  }

  const toMove = (loads: readonly ThreadLoad[]): Decision['end'] => {
    // Those that end connect again in between.
    mayMove = !mayMove
    if (!mayMove || loads.length < 2) return undefined
    const mean = sum(loads, ({ active }) => active) / loads.length
    const [thread = 0, busiest] = [...loads.entries()].reduce((one, other) =>
      other[1].busy > one[1].busy ? other : one,
    )
    const least = Math.min(...loads.map(({ busy }) => busy))
    const connections = Math.floor((busiest?.active ?? 0) - mean)
    if (connections < Math.max(1, mean / 8) || (busiest?.busy ?? 0) - least < UNEVEN) return undefined
    return { thread, connections }
  }

  return {
    decide: (loads: readonly ThreadLoad[]): Decision => {
      const end = toMove(loads)
      const moving = end ? { end } : {}
      const reason = wantsFewer(loads)
      const grows = wantsMore(loads)
      if (reason !== undefined) {
        // Each is looked at anew after every change.
        for (const lasts of [quiet, crowded, handedOn]) lasts(false)
        if (reason !== 'quiet') restUntil = now() + REST_MS
        return { ...moving, change: { by: -1, reason } }
      }
      return grows ? { ...moving, change: { by: 1, reason: 'busy' } } : moving
    },
    /** A thread could not be had. */
    rest: () => {
      restUntil = now() + REST_MS
    },
  }
}

const sum = (loads: readonly ThreadLoad[], of: (load: ThreadLoad) => number): number =>
  loads.reduce((all, load) => all + of(load), 0)

/** Of the time in which they wanted a core, the share in which they had one. */
const got = (loads: readonly ThreadLoad[]): number => {
  const busy = sum(loads, (load) => load.busy)
  return busy === 0 ? 1 : sum(loads, ({ ran }) => ran) / busy
}
