/** Bounds how much of the time a thread waits for the disk itself. */
export interface DiskWaits {
  readonly mayBlock: () => boolean
  /** A read or a write that began then has just ended. */
  readonly blocked: (startedAtMs: number) => void
}

/** Longer than that, and it hardly was a copy in memory. */
const COPY_MS = 0.2
const SHARE = 0.05
/** What is allowed at once. A thread that the system took off its core for a moment must not look like a slow disk. */
const MOST_MS = 25

/** A thread may be blocked for 5 % of the time, and a little ahead of it. `now` in milliseconds. */
export function diskWaits(now: () => number = () => performance.now()): DiskWaits {
  let allowedMs = MOST_MS
  let lastMs = now()
  return {
    mayBlock: () => {
      const nowMs = now()
      allowedMs = Math.min(MOST_MS, allowedMs + (nowMs - lastMs) * SHARE)
      lastMs = nowMs
      return allowedMs > 0
    },
    blocked: (startedAtMs) => {
      const tookMs = now() - startedAtMs
      if (tookMs > COPY_MS) allowedMs -= tookMs
    },
  }
}
