import type { Lane } from './lane.ts'

/**
 * When which lane has its turn. Only those are looked at of which something has changed, or whose time has come: there may be
 * thousands, each with something that waits.
 */
export interface Agenda {
  readonly named: (name: string) => Lane | undefined
  readonly all: () => Iterable<Lane>
  readonly size: () => number
  readonly add: (name: string, lane: Lane) => void
  /** The times of the lane may be others now. */
  readonly changed: (name: string) => void
  /** Of all that have something on its way. */
  readonly flyingChanged: () => void
  /** Those whose time has come, each once, for as long as `isRoom` says so. */
  readonly turns: (isRoom: () => boolean) => void
  /** When the next one has its turn, once what has changed has been looked at. */
  readonly nextMs: () => number
  readonly isEmpty: () => boolean
}

interface Entry {
  readonly name: string
  readonly lane: Lane
  /** Of its place in the heap; others of it there are of before. */
  atMs: number
}

/** Places in the heap that are of before are thrown out once there are so many for each that is not. */
const STALE = 8

export function openAgenda(now: () => number): Agenda {
  const lanes = new Map<string, Entry>()
  const stirred = new Set<Entry>()
  const flying = new Set<Entry>()
  /** Their time has come. Each has its turn before any has another. */
  const line = new Set<Entry>()
  const later = timeHeap<Entry>()

  const place = (entry: Entry): void => {
    const { lane, name } = entry
    if (lane.isFlying()) flying.add(entry)
    else flying.delete(entry)
    if (lane.isIdle()) {
      entry.atMs = Number.POSITIVE_INFINITY
      lanes.delete(name)
      line.delete(entry)
      return
    }
    const ms = lane.nextMs()
    if (ms <= now()) line.add(entry)
    else line.delete(entry)
    if (ms === entry.atMs) return
    entry.atMs = ms
    if (ms <= now() || ms === Number.POSITIVE_INFINITY) return
    later.push(ms, entry)
    if (later.size() > STALE * (lanes.size + 1)) later.keep((at, { atMs }) => at === atMs)
  }
  const settle = (): void => {
    for (let next = later.first(); next && next.ms <= now(); next = later.first()) {
      later.shift()
      const { ms, item } = next
      if (item.atMs !== ms) continue
      item.atMs = Number.POSITIVE_INFINITY
      stirred.add(item)
    }
    for (const entry of stirred) {
      stirred.delete(entry)
      if (lanes.get(entry.name) === entry) place(entry)
    }
  }

  return {
    named: (name) => lanes.get(name)?.lane,
    size: () => lanes.size,
    all: () => Array.from(lanes.values(), ({ lane }) => lane),
    add: (name, lane) => {
      const entry: Entry = { name, lane, atMs: Number.POSITIVE_INFINITY }
      lanes.set(name, entry)
      stirred.add(entry)
    },
    changed: (name) => {
      const entry = lanes.get(name)
      if (entry) stirred.add(entry)
    },
    flyingChanged: () => {
      for (const entry of flying) stirred.add(entry)
    },
    turns: (isRoom) => {
      settle()
      for (const entry of line) {
        if (!isRoom()) return
        line.delete(entry)
        if (entry.lane.nextMs() <= now()) {
          entry.lane.turn()
          flying.add(entry)
        }
        stirred.add(entry)
      }
      settle()
    },
    nextMs: () => (line.size > 0 ? 0 : (later.first()?.ms ?? Number.POSITIVE_INFINITY)),
    isEmpty: () => lanes.size === 0,
  }
}

interface Timed<Item> {
  readonly ms: number
  readonly item: Item
}

/** A binary heap: what is earliest comes first. */
function timeHeap<Item>() {
  const heap: Timed<Item>[] = []
  const msAt = (index: number): number => heap[index]?.ms ?? Number.POSITIVE_INFINITY
  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]]
    if (first && second) [heap[a], heap[b]] = [second, first]
  }
  return {
    first: () => heap[0],
    size: () => heap.length,
    keep: (is: (ms: number, item: Item) => boolean): void => {
      const kept = heap.filter(({ ms, item }) => is(ms, item)).sort((a, b) => a.ms - b.ms)
      heap.length = 0
      for (const timed of kept) heap.push(timed)
    },
    push: (ms: number, item: Item): void => {
      let at = heap.push({ ms, item }) - 1
      for (let up = (at - 1) >> 1; at > 0 && msAt(at) < msAt(up); up = (at - 1) >> 1) {
        swap(at, up)
        at = up
      }
    },
    shift: (): void => {
      swap(0, heap.length - 1)
      heap.pop()
      for (let at = 0; ; ) {
        const least = msAt(2 * at + 1) <= msAt(2 * at + 2) ? 2 * at + 1 : 2 * at + 2
        if (msAt(least) >= msAt(at)) return
        swap(at, least)
        at = least
      }
    },
  }
}
