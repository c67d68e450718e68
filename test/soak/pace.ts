import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves for one caller after the other, so many a second at most; what was missed while nobody asked is not made up for. */
export function paceOf(perSecond: number, signal: AbortSignal): () => Promise<void> {
  const everyMs = 1000 / perSecond
  let next = performance.now()
  return async () => {
    const now = performance.now()
    next = Math.max(next + everyMs, now)
    if (next > now) await sleep(next - now, undefined, { signal })
  }
}
