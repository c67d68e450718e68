import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isHonest } from '../harness/honest.ts'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

export const descriptors: Scenario = {
  name: 'descriptors',
  about: 'hardly a file descriptor more than the server has open, while it is under load; then there are enough again',
  missing: async () => {
    try {
      execFileSync('prlimit', ['--nofile'], { stdio: 'pipe' })
      return undefined
    } catch {
      return 'there is no prlimit'
    }
  },
  open: async (options) => {
    const rig = await openRig(options)
    const ended: Record<string, number> = {}
    const limit = (soft: string): void => {
      if (rig.server().running())
        execFileSync('prlimit', ['--pid', `${rig.server().pid}`, `--nofile=${soft}:`], { stdio: 'pipe' })
    }
    return {
      rig,
      round: async (dice, number) => {
        const more = dice.below(12)
        const act = async (): Promise<void> => {
          await sleep(dice.below(300))
          const open = await readdir(`/proc/${rig.server().pid}/fd`)
          limit(`${open.length + more - 4}`)
          await sleep(options.loadMs)
          limit('4000')
          rig.injected(`${more - 4} descriptors left`)
          await sleep(300)
        }
        await rig.underLoad({ seed: `${options.seed}/${number}`, act, excuses: isHonest })
        if (rig.server().running()) await rig.verify()
        else {
          const how = await rig.server().ended()
          ended[`ended with ${how}`] = (ended[`ended with ${how}`] ?? 0) + 1
          if (how !== 75) rig.report(`without descriptors it ended with ${how}:\n${rig.server().output().slice(-3000)}`)
        }
        await rig.server().kill()
        await rig.start()
        await rig.verify()
      },
      figures: () => ended,
    }
  },
}
