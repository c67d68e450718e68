import { readFileSync } from 'node:fs'

export interface MemoryWatch {
  /** Highest resident set that was seen since the last call, in bytes. */
  readonly takePeakBytes: () => number
  readonly stop: () => void
}

const INTERVAL_MS = 50

/** Samples a process's resident set from /proc (Linux only). */
export function watchMemory(pid: number): MemoryWatch {
  let peakBytes = residentBytes(pid)
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(pid))
  }, INTERVAL_MS)
  return {
    takePeakBytes: () => {
      const peak = Math.max(peakBytes, residentBytes(pid))
      peakBytes = 0
      return peak
    },
    stop: () => clearInterval(timer),
  }
}

export const residentBytes = (pid: number): number => fieldOf(pid, 'VmRSS')

/** The kernel's own high-water mark of the resident set: misses nothing between two samples. */
export const peakResidentBytes = (pid: number): number => fieldOf(pid, 'VmHWM')

function fieldOf(pid: number, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? 0) * 1024
}
