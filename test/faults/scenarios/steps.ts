import { setTimeout as sleep } from 'node:timers/promises'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { openShim, shimMissing } from '../harness/shim.ts'
import { CHANGES, stepBook } from '../harness/steps.ts'

/** Times the load of other scenarios: until the step is taken. */
const LONGEST = 5

/** Every change that the server makes to a file is a step: kills before and after each that a store has met so far. */
export const steps: Scenario = {
  name: 'steps',
  about:
    'kill -9 before and after each kind of change to a file, under load and in a start: packs, logs, witnesses, audit',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    shim.record('places')
    const rig = await openRig(options, { settings: shim.environment })
    const book = stepBook(shim.journal, CHANGES)
    await book.pass()
    await rig.underLoad({ seed: `${options.seed}/first`, kill: true, act: () => sleep(options.loadMs) })
    await book.learn('load')
    await rig.start()
    await book.learn('start')
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        const step = book.pick(dice)
        const action = dice.pick(['kill before', 'kill after'] as const)
        const often = Math.min(4, step.count)
        const rule = { ops: [step.op], place: step.place, action, skip: dice.below(often), times: 1 } as const
        const gone = async (): Promise<void> => {
          const longest = options.loadMs * (step.during === 'load' ? LONGEST : 1)
          for (let waited = 0; waited < longest && rig.server().running(); waited += 10) await sleep(10)
        }
        if (step.during === 'load') shim.rules([rule])
        await rig.underLoad({ seed, kill: true, act: gone })
        await book.learn('load')
        if (step.during === 'start') {
          shim.rules([{ ...rule, skip: 0 }])
          await rig.start().catch(() => undefined)
        }
        if (shim.fired() > 0) rig.injected(`${action} ${step.op} ${step.place} (${step.during})`)
        shim.rules([])
        await rig.server().kill()
        await rig.start()
        await book.learn('start')
        await rig.verify()
      },
      close: async () => shim[Symbol.dispose](),
    }
  },
}
