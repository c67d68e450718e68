import { setTimeout as wait } from 'node:timers/promises'

/** Lets so many through in a second, evenly; 0: all at once. Rejects when the signal is aborted. */
export function pacer(perSecond: number, signal: AbortSignal): () => Promise<void> {
  let next = 0
  return async () => {
    if (perSecond === 0) return
    const now = performance.now()
    const turn = Math.max(now, next)
    next = turn + 1000 / perSecond
    if (turn > now) await wait(turn - now, undefined, { signal, ref: false })
  }
}
