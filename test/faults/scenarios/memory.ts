import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isHonest } from '../harness/honest.ts'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

const MIB = 1024 * 1024
/** What is limited, and how much of it the process has (/proc/self/status). */
const LIMITS = [
  { name: 'address space', option: 'as', used: 'VmSize' },
  { name: 'data', option: 'data', used: 'VmData' },
] as const

/** Allocations fail, of Node, V8 and LevelDB; whoever cannot go on without one ends the process, as the kernel would. */
export const memory: Scenario = {
  name: 'memory',
  about:
    'hardly more memory than the server has, while it is under load: it refuses, or ends; then there is enough again',
  missing: async () => {
    try {
      execFileSync('prlimit', ['--as', '--data'], { stdio: 'pipe' })
      return undefined
    } catch {
      return 'there is no prlimit'
    }
  },
  open: async (options) => {
    const rig = await openRig(options)
    const ended: Record<string, number> = {}
    const limit = (option: string, soft: string): void => {
      if (rig.server().running())
        execFileSync('prlimit', ['--pid', `${rig.server().pid}`, `--${option}=${soft}:`], { stdio: 'pipe' })
    }
    return {
      rig,
      round: async (dice, number) => {
        const { name, option, used } = dice.pick(LIMITS)
        const moreMiB = dice.pick([0, 1, 4, 16, 64])
        const act = async (): Promise<void> => {
          await sleep(dice.below(300))
          const status = await readFile(`/proc/${rig.server().pid}/status`, 'utf8')
          const usedBytes = Number(new RegExp(`^${used}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
          limit(option, `${usedBytes + moreMiB * MIB}`)
          for (let waited = 0; waited < options.loadMs && rig.server().running(); waited += 10) await sleep(10)
          limit(option, 'unlimited')
          rig.injected(`${moreMiB} MiB of ${name} left`)
          if (rig.server().running()) await sleep(300)
        }
        await rig.underLoad({ seed: `${options.seed}/${number}`, act, excuses: isHonest })
        const how = rig.server().running() ? 'went on' : `ended with ${await rig.server().ended()}`
        ended[how] = (ended[how] ?? 0) + 1
        if (rig.server().running()) await rig.verify()
        await rig.server().kill()
        await rig.start()
        await rig.verify()
      },
      figures: () => ended,
    }
  },
}
