import { performance } from 'node:perf_hooks'
import type { ServedConnections } from '../served-connections.ts'

/** What a serving thread did since it was asked last. */
export interface ThreadLoad {
  /** Share of the time in which it was at work, or would have been, had it had a core. */
  readonly busy: number
  /** Share of the time in which it had a core. */
  readonly ran: number
  /** Connections on which requests ran. */
  readonly active: number
  readonly requests: number
  /** Of these, those that it handed on to the thread that owns the stores. */
  readonly handedOn: number
}

export interface LoadMeter {
  readonly read: () => ThreadLoad
  readonly request: () => void
  readonly handOn: () => void
}

const MICROS = 1000

export function loadMeter({ takeActive }: Pick<ServedConnections, 'takeActive'>): LoadMeter {
  const look = () => ({
    at: performance.now(),
    loop: performance.eventLoopUtilization(),
    cpu: process.threadCpuUsage(),
  })
  let last = look()
  let requests = 0
  let handedOn = 0
  return {
    request: () => void requests++,
    handOn: () => void handedOn++,
    read: () => {
      const now = look()
      const micros = now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system
      const load = {
        busy: performance.eventLoopUtilization(now.loop, last.loop).utilization,
        ran: micros / MICROS / Math.max(1, now.at - last.at),
        active: takeActive(),
        ...{ requests, handedOn },
      }
      last = now
      requests = 0
      handedOn = 0
      return load
    },
  }
}
