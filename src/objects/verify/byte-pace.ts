import { setTimeout as wait } from 'node:timers/promises'

const MIB = 1024 ** 2
/** Shorter pauses cost more than they spare. */
const LEAST_PAUSE_MS = 5

export interface BytePace {
  /** Resolves when so many bytes may be read. Rejects when the signal is aborted. */
  readonly take: (bytes: number) => Promise<void>
  readonly taken: () => number
}

/** 0: as fast as it goes. What was not used is not made up for. */
export function bytePace(mibPerSecond: number, signal: AbortSignal): BytePace {
  let taken = 0
  let next = 0
  return {
    take: async (bytes) => {
      signal.throwIfAborted()
      taken += bytes
      if (mibPerSecond === 0) return
      const now = performance.now()
      next = Math.max(next, now) + (bytes / (mibPerSecond * MIB)) * 1000
      if (next - now >= LEAST_PAUSE_MS) await wait(next - now, undefined, { signal })
    },
    taken: () => taken,
  }
}
