import { setTimeout as wait } from 'node:timers/promises'

/** Of the time of the process's thread: beyond it others wait. */
const BUSY = 0.6
const WINDOW_MS = 250
const PAUSE_MS = 500
/** A server that is always busy is scrubbed nevertheless, a sixth of the time. */
const MAX_PAUSES = 20
const TURN_MS = 2000

export interface Load {
  /** Resolves when the process has time again, or after ten seconds, and then at once for two. */
  readonly spare: (signal: AbortSignal) => Promise<void>
  readonly waiting: () => boolean
}

/** `busy`: is the process busy now? Default: by what its thread did in the last quarter of a second or more. */
export function loadWatch(busy: () => boolean = byEventLoop()): Load {
  let waiting = false
  let turnEndsMs = 0
  return {
    spare: async (signal) => {
      if (performance.now() < turnEndsMs || !busy()) return
      try {
        waiting = true
        for (let pauses = 0; pauses < MAX_PAUSES; pauses++) {
          await wait(PAUSE_MS, undefined, { signal, ref: false })
          if (!busy()) return
        }
        turnEndsMs = performance.now() + TURN_MS
      } finally {
        waiting = false
      }
    },
    waiting: () => waiting,
  }
}

function byEventLoop(): () => boolean {
  let last = performance.eventLoopUtilization()
  let lastAtMs = performance.now()
  let busy = false
  return () => {
    const now = performance.now()
    if (now - lastAtMs < WINDOW_MS) return busy
    const { utilization } = performance.eventLoopUtilization(last)
    last = performance.eventLoopUtilization()
    lastAtMs = now
    busy = utilization > BUSY
    return busy
  }
}
