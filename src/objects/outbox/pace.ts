import type { DueKind } from './rows.ts'
import type { Slots } from './slots.ts'

/** Deliveries of one bucket: each kind has room of its own, so none is in the way of another. */
const AT_A_TIME = { ready: 8, due: 4, refused: 4 } as const
/** So many of a bucket that were not taken in a row, none of which was tried before and none refused: the target is away. */
const AWAY_AFTER = 64
/** It is asked again so often. */
const MAX_PAUSE_MS = 30_000
/** Where what was refused is refused again, trying it takes no more than one part of so many. */
const REST = 10
const MAX_REST_MS = 1000

export type Ended = 'taken' | 'refused' | 'missed'

/** How much of a bucket is told at once, and when. Times are of a clock that never goes back. */
export interface Pace {
  /** For deliveries of that kind. */
  readonly room: (kind: 'ready' | DueKind) => number
  /** Before it none of that kind may begin. */
  readonly notBeforeMs: (kind: 'ready' | DueKind) => number
  /** `missed`: not taken, and not refused either. */
  readonly told: (kind: 'ready' | DueKind, ended: Ended, tookMs: number) => void
  /** Nothing could be read or written. */
  readonly failed: () => void
  /** It knows nothing that would be lost with it. */
  readonly isEven: () => boolean
}

export function openPace(retryMs: number, now: () => number, slots: Pick<Slots, 'isCrowded'>): Pace {
  let missedInARow = 0
  let pauses = 0
  const notBeforeMs = { ready: 0, due: 0, refused: 0 }
  const isAway = (): boolean => missedInARow > AWAY_AFTER
  return {
    room: (kind) => (slots.isCrowded() || (kind === 'ready' && isAway()) ? 1 : AT_A_TIME[kind]),
    notBeforeMs: (kind) => notBeforeMs[kind],
    told: (kind, ended, tookMs) => {
      if (kind === 'refused') {
        notBeforeMs.refused = ended === 'taken' ? 0 : now() + Math.min(tookMs * REST, MAX_REST_MS)
      }
      if (ended === 'taken') {
        ;[missedInARow, pauses, notBeforeMs.ready] = [0, 0, 0]
        return
      }
      // What was tried before says nothing new of the target, and what is refused says nothing of it.
      if (kind !== 'ready' || ended === 'refused') return
      missedInARow++
      if (isAway() && now() >= notBeforeMs.ready) {
        notBeforeMs.ready = now() + Math.min(retryMs * 2 ** pauses++, MAX_PAUSE_MS)
      }
    },
    failed: () => {
      const ms = now() + retryMs
      Object.assign(notBeforeMs, { ready: ms, due: ms, refused: ms })
    },
    isEven: () => missedInARow === 0,
  }
}
