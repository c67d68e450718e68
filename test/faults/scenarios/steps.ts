import { setTimeout as sleep } from 'node:timers/promises'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { openShim, type Rule, shimMissing } from '../harness/shim.ts'
import { CHANGES, type Step, stepBook } from '../harness/steps.ts'

/** Times the load of other scenarios: until the step is taken; then, too, for one that is always taken. */
const PATIENCE = 4
const LONGEST = 4

type Kill = Rule & { readonly action: 'kill before' | 'kill after' }

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
        const killAt = ({ op, place, count }: Step, often: number): Kill => ({
          ...{ ops: [op], place, times: 1, skip: dice.below(Math.max(1, Math.min(often, count))) },
          action: dice.pick(['kill before', 'kill after'] as const),
        })
        const common = book.pickCommon(dice, step.during)
        const [wanted, instead] = [killAt(step, step.during === 'load' ? 4 : 1), killAt(common, 1)]
        const gone = async (): Promise<void> => {
          for (const [rules, times] of [[[wanted], PATIENCE] as const, [[wanted, instead], LONGEST] as const]) {
            shim.rules(step.during === 'load' ? rules : [])
            const longest = options.loadMs * (step.during === 'load' ? times : 1)
            for (let waited = 0; waited < longest && rig.server().running(); waited += 10) await sleep(10)
            if (step.during === 'start' || !rig.server().running()) return
          }
        }
        await rig.underLoad({ seed, kill: true, act: gone })
        await book.learn('load')
        if (step.during === 'start') {
          for (const rules of [[wanted], [wanted, instead]]) {
            shim.rules(rules)
            await rig.start().catch(() => undefined)
            if (shim.fired() > 0) break
            await rig.server().kill()
          }
        }
        const fired = [step, common][shim.firedRule() ?? -1]
        const { action } = [wanted, instead][shim.firedRule() ?? -1] ?? wanted
        if (fired) rig.injected(`${action} ${fired.op} ${fired.place} (${fired.during})`)
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
