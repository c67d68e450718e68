/** Deliveries of one bucket. */
const AT_A_TIME = 8
/** Of them, those that are tried again: what is new has room beside them. */
const AGAIN_AT_A_TIME = 4
/** Of all buckets together: more than that take long, so only buckets that have none of these get one more. */
const MAX_SLOW = 64
/** So many of a bucket that were not taken in a row, none of which was tried before and none refused: the target is away. */
const AWAY_AFTER = 64
/** It is asked again so often. */
const MAX_PAUSE_MS = 30_000
/** Where nothing is taken, trying again takes no more than one part of so many. */
const REST = 10

/** How much of a bucket is told at once, and when. Times are of a clock that never goes back. */
export interface Pace {
  /** For further deliveries, and those of them that are tried again. */
  readonly room: () => number
  readonly roomToRetry: () => number
  /** A delivery takes long, and one of these has ended. */
  readonly slowBegan: () => void
  readonly slowEnded: () => void
  readonly hasSlow: () => boolean
  /** `misses`: not taken, though neither refused nor tried before. */
  readonly told: (outcome: { readonly isTaken: boolean; readonly misses: number }) => void
  /** The target is away, and is asked again when this has passed. */
  readonly pausedUntilMs: () => number
  /** What is held was tried from then until now, and nothing was taken. */
  readonly triedInVain: (sinceMs: number) => void
  readonly restUntilMs: () => number
  /** Nothing could be read or written. */
  readonly failed: () => void
  /** All was taken. */
  readonly isEven: () => boolean
}

/** `slow`: deliveries of all buckets that take long. */
export function openPace(retryMs: number, now: () => number, slow: { count: number }): Pace {
  let own = 0
  let inARow = 0
  let pauses = 0
  let pausedUntilMs = 0
  let restUntilMs = 0
  const room = (): number => {
    if (slow.count >= MAX_SLOW && own > 0) return 0
    const few = slow.count >= MAX_SLOW || inARow > AWAY_AFTER
    return Math.min(AT_A_TIME - own, few ? 1 : AT_A_TIME)
  }
  return {
    room,
    roomToRetry: () => Math.min(room(), AGAIN_AT_A_TIME - own),
    slowBegan: () => {
      own++
      slow.count++
    },
    slowEnded: () => {
      own--
      slow.count--
    },
    hasSlow: () => own > 0,
    told: ({ isTaken, misses }) => {
      if (isTaken) [inARow, pauses, pausedUntilMs] = [0, 0, 0]
      inARow += misses
      if (misses > 0 && inARow > AWAY_AFTER) pausedUntilMs = now() + Math.min(retryMs * 2 ** pauses++, MAX_PAUSE_MS)
    },
    pausedUntilMs: () => pausedUntilMs,
    triedInVain: (sinceMs) => {
      restUntilMs = now() + (now() - sinceMs) * REST
    },
    restUntilMs: () => restUntilMs,
    failed: () => {
      pausedUntilMs = now() + retryMs
      restUntilMs = pausedUntilMs
    },
    isEven: () => own === 0 && inARow === 0,
  }
}
