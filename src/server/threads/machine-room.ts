import { availableParallelism, cpus } from 'node:os'
import type { Room } from './steering.ts'

/** What the process and the machine leave unused from now on. Waiting for a disk uses no core. */
export function watchRoom(): () => Room {
  const look = () => ({ at: performance.now(), busyMs: busyMs(), own: process.cpuUsage() })
  const before = look()
  return () => {
    const now = look()
    const elapsedMs = Math.max(1, now.at - before.at)
    const ownMs = (now.own.user + now.own.system - before.own.user - before.own.system) / 1000
    return {
      cores: Math.min(
        cpus().length - (now.busyMs - before.busyMs) / elapsedMs,
        // As many as it may use: a container may be allowed fewer than there are.
        availableParallelism() - ownMs / elapsedMs,
      ),
      bytes: process.availableMemory(),
    }
  }
}

const busyMs = (): number => cpus().reduce((all, { times }) => all + times.user + times.nice + times.sys + times.irq, 0)
