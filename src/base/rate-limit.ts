import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** So many a minute for each name, all of them at once if need be: a bucket of tokens that fills up again by and by. */
export interface RateLimit {
  /** Milliseconds until one more may be; 0: now. Takes nothing. */
  readonly waitMs: (name: string) => number
  readonly take: (name: string) => void
}

/** One number each. Who is forgotten has not been heard of for longer than all these. */
const MAX_NAMES = 50_000

/**
 * `count` in `periodMs`; 0: no limit. Kept is of each name the time by which it would be where it may be if it took
 * evenly (GCRA), so that nothing has to be filled up. `now` never goes back.
 */
export function rateLimit(count: number, periodMs: number, now: () => number = () => performance.now()): RateLimit {
  if (count === 0) return { waitMs: () => 0, take: () => {} }
  const stepMs = periodMs / count
  const due = new LRUCache<string, number>({ max: MAX_NAMES })
  return {
    waitMs: (name) => Math.max(0, (due.get(name) ?? 0) + stepMs - periodMs - now()),
    take: (name) => void due.set(name, Math.max(now(), due.get(name) ?? 0) + stepMs),
  }
}

const SLOTS = 2 ** 16

export const rateMemory = (): SharedArrayBuffer => new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT)

/** Of the process: workers begin to count at other times. */
const monotonicMicros = (): bigint => process.hrtime.bigint() / 1000n

/**
 * As `rateLimit`, in memory that several threads share: of all threads together. Names that share a slot share their rate; which
 * those are nobody can tell who does not know `seed`, so that nobody can use up another one's.
 */
export function sharedRateLimit(
  count: number,
  periodMs: number,
  { memory, seed }: { readonly memory: SharedArrayBuffer; readonly seed: string },
  now: () => bigint = monotonicMicros,
): RateLimit {
  if (count === 0) return { waitMs: () => 0, take: () => {} }
  const due = new BigInt64Array(memory)
  const period = BigInt(periodMs) * 1000n
  const step = period / BigInt(count)
  const slotOf = (name: string): number => Number.parseInt(hash('sha256', `${seed} ${name}`, 'hex').slice(0, 4), 16)
  return {
    waitMs: (name) => Math.max(0, Number(Atomics.load(due, slotOf(name)) + step - period - now()) / 1000),
    take: (name) => {
      const slot = slotOf(name)
      for (;;) {
        const before = Atomics.load(due, slot)
        const passed = now() - before
        const from = passed > 0n ? before + passed : before
        if (Atomics.compareExchange(due, slot, before, from + step) === before) return
      }
    },
  }
}
