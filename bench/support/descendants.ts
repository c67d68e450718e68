import { readdirSync, readFileSync } from 'node:fs'

/** The process and all that it started and that still run. Linux. */
export function descendantsOf(pid: number): readonly number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    )
    return [pid, ...children.flatMap(descendantsOf)]
  } catch {
    return []
  }
}

/** SIGKILL for each that still runs. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}
