// Loaded into a server (`--import`): it sees a machine of three cores on which nothing else runs, whatever there is. With
// BUSY_MS and QUIET_MS its threads seem to be busy for so long and then idle for so long, so that threads come and go.
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { performance } from 'node:perf_hooks'

const busyMs = Number(process.env['BUSY_MS'] ?? 0)
const quietMs = Number(process.env['QUIET_MS'] ?? 0)
const measured = performance.eventLoopUtilization.bind(performance)

const times = { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 }
os.cpus = () => Array.from({ length: 3 }, () => ({ model: '', speed: 0, times }))
os.availableParallelism = () => 3
syncBuiltinESMExports()
process.cpuUsage = () => ({ user: 0, system: 0 })
process.threadCpuUsage = () => ({ user: measured().active * 1000, system: 0 })
if (busyMs > 0) {
  const isBusy = (): boolean => performance.now() % (busyMs + quietMs) < busyMs
  performance.eventLoopUtilization = () => {
    const utilization = isBusy() ? 1 : 0
    return { idle: 0, active: measured().active, utilization }
  }
  // Threads that are at work have had a core.
  process.threadCpuUsage = () => ({ user: performance.now() * 1000, system: 0 })
}
