import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../support/content.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

export const kill: Scenario = {
  name: 'kill',
  about: 'kill -9 at random, under load and now and then during the start that follows',
  open: async (options) => {
    const rig = await openRig(options)
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        await rig.underLoad({ seed, kill: true, act: () => sleep(100 + dice.below(options.loadMs)) })
        rig.injected('kill under load')
        await interruptedStarts(rig, dice)
        await rig.start()
        await rig.verify()
      },
    }
  },
}

async function interruptedStarts(rig: Rig, dice: Dice): Promise<void> {
  while (dice.below(5) === 0) {
    await rig.start({}, 50 + dice.below(900)).then(
      () => rig.server().kill(),
      () => undefined,
    )
    rig.injected('kill during a start')
  }
}
