import { execFileSync } from 'node:child_process'

/** With all its threads, and those that it starts later. */
export function pinToOneCore(pid: number): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', String(pid)], { stdio: 'ignore' })
}
