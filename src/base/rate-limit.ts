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
