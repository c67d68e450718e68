import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Labels, Metric } from '../observe/metrics.ts'

/** What everything that watches processes knows by these names. */
export interface ProcessMetrics extends Disposable {
  readonly read: () => readonly Metric[]
}

const MICROS = 1e6
const NANOS = 1e9

export function processMetrics(version: string): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  const startedAtSeconds = performance.timeOrigin / 1000
  return {
    read: () => {
      const { userCPUTime, systemCPUTime } = process.resourceUsage()
      const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
      const loop = performance.eventLoopUtilization()
      const metrics = [
        gauge('coffer_build_info', 'Versions, in its labels.', 1, { version, node: process.version }),
        counter(
          'process_cpu_seconds_total',
          'Processor time, user and system.',
          (userCPUTime + systemCPUTime) / MICROS,
        ),
        gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.', startedAtSeconds),
        gauge('process_resident_memory_bytes', 'Resident memory.', rss),
        gauge('nodejs_heap_size_total_bytes', 'Memory that the heap has taken, in use or not.', heapTotal),
        gauge('nodejs_heap_size_used_bytes', 'Memory of the heap in use.', heapUsed),
        gauge('nodejs_external_memory_bytes', 'Memory outside the heap: buffers.', external),
        counter('nodejs_eventloop_busy_seconds_total', 'How long the main thread was at work.', loop.active / 1000),
        gauge(
          'nodejs_eventloop_lag_p99_seconds',
          'How late the main thread was with its timers since it was asked last, 99th percentile.',
          delay.percentile(99) / NANOS,
        ),
        ...openDescriptors(),
      ]
      delay.reset()
      return metrics
    },
    [Symbol.dispose]: () => void delay.disable(),
  }
}

/** Where the system tells. */
function openDescriptors(): Metric[] {
  try {
    const open = readdirSync('/proc/self/fd').length
    return [gauge('process_open_fds', 'Open file descriptors.', open)]
  } catch {
    return []
  }
}

const gauge = (name: string, help: string, value: number, labels: Labels = {}): Metric => ({
  ...{ name, help, type: 'gauge', samples: [{ labels, value }] },
})
const counter = (name: string, help: string, value: number): Metric => ({
  ...{ name, help, type: 'counter', samples: [{ labels: {}, value }] },
})
