import { setImmediate as nextTurn } from 'node:timers/promises'

/** Before each of many small works: resolves at once, or when others have had the thread. */
export type Breather = () => Promise<void>

const LONGEST_MS = 10

/** Policies may make one decision take as long as a thousand others, so that it goes by time and not by number. */
export function breathing(): Breather {
  let sinceMs = performance.now()
  return async () => {
    if (performance.now() - sinceMs < LONGEST_MS) return
    await nextTurn()
    sinceMs = performance.now()
  }
}
