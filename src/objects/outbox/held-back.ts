/** Messages that wait for each other: those of one object, or, where too many are held back, those of one bucket. */
export type Lane = string

/** What a message is about. */
export interface Subject {
  readonly bucket: string
  /** Undefined: nothing waits for it, and it waits for nothing. */
  readonly key: string | undefined
  /** Of this message alone. */
  readonly id: string
}

interface Held {
  readonly refusals: number
  /** Of a clock that never goes back. */
  readonly dueMs: number
}

/** What a target refused: each lane is tried again by itself, and keeps no other waiting. */
export interface HeldBack {
  readonly lane: (subject: Subject) => Lane
  /** Undefined: the lane is free. */
  readonly dueMs: (lane: Lane) => number | undefined
  readonly refused: (subject: Subject, nowMs: number) => void
  /** `lane`: as it was when the target was told. */
  readonly taken: (subject: Subject, lane: Lane) => void
  /** When the first is to be tried again. */
  readonly nextDueMs: () => number | undefined
}

/** Of a bucket. More of them are one lane. */
const MAX_KEYS = 100

const bucketLane = ({ bucket }: Subject): Lane => `${bucket}/`
/** A key is never empty. */
export const keyLane = ({ bucket, key, id }: Subject): Lane =>
  key === undefined ? `${bucket}\n${id}` : `${bucket}/${key}`

export function heldBack(retryMs: number, maxRetryMs: number): HeldBack {
  const held = new Map<Lane, Held>()
  const keysOf = new Map<string, Set<Lane>>()

  const lane = (one: Subject): Lane => (held.has(bucketLane(one)) ? bucketLane(one) : keyLane(one))
  const release = (bucket: string, of: Lane): void => {
    held.delete(of)
    const keys = keysOf.get(bucket)
    keys?.delete(of)
    if (keys?.size === 0) keysOf.delete(bucket)
  }

  return {
    lane,
    dueMs: (of) => held.get(of)?.dueMs,
    refused: (one, nowMs) => {
      const of = lane(one)
      const refusals = (held.get(of)?.refusals ?? 0) + 1
      const dueMs = nowMs + Math.min(retryMs * 2 ** (refusals - 1), maxRetryMs)
      held.set(of, { refusals, dueMs })
      if (of === bucketLane(one)) return
      const keys = keysOf.get(one.bucket) ?? new Set()
      keysOf.set(one.bucket, keys.add(of))
      if (keys.size <= MAX_KEYS) return
      for (const key of keys) held.delete(key)
      keysOf.delete(one.bucket)
      held.set(bucketLane(one), { refusals, dueMs })
    },
    taken: (one, of) => release(one.bucket, of),
    nextDueMs: () => {
      let next: number | undefined
      for (const { dueMs } of held.values()) if (next === undefined || dueMs < next) next = dueMs
      return next
    },
  }
}
