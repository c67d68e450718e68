import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../support/content.ts'
import { isHonest } from '../harness/honest.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { OPS, openShim, type Rule, shimMissing } from '../harness/shim.ts'
import { type Step, stepBook } from '../harness/steps.ts'

/** Times the load of other scenarios: until the call is made; then, too, for one that is always made. */
const PATIENCE = 4
const LONGEST = 4
/** Ended by itself so that a restart recovers; at a start, 1 as well: it says why. */
const STORE_FAILED = 75

export const diskErrors: Scenario = {
  name: 'disk-errors',
  about: 'EIO, ENOSPC, EMFILE and short writes at every kind of call on a file, of Node and of LevelDB',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    shim.record('places')
    const rig = await openRig(options, { settings: shim.environment })
    const book = stepBook(shim.journal, OPS)
    await book.pass()
    await rig.underLoad({ seed: `${options.seed}/first`, kill: true, act: () => sleep(options.loadMs) })
    await book.learn('load')
    await rig.start()
    await book.learn('start')
    const ended: Record<string, number> = {}
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        const step = book.pick(dice)
        const common = book.pickCommon(dice, step.during)
        const steps = [step, common]
        const rules = [anyError(dice, step), { ...anyError(dice, common), skip: 0 }]
        const nameOf = (at: number): string => {
          const [rule, of] = [rules[at], steps[at]]
          return `${rule?.action} ${rule?.argument ?? ''} ${of?.op} ${of?.place} (${of?.during})`
        }
        let name = nameOf(0)
        const fired = (): void => {
          name = nameOf(shim.firedRule() ?? 0)
          if (shim.fired() > 0) rig.injected(name, shim.fired())
          shim.rules([])
        }
        if (step.during === 'start') {
          await rig.underLoad({ seed, kill: true, act: () => sleep(dice.below(options.loadMs)) })
          await book.learn('load')
          for (const some of [rules.slice(0, 1), rules]) {
            shim.rules(some.map((rule) => ({ ...rule, skip: 0 })))
            await startAgainst(rig)
            if (shim.fired() > 0) break
            await rig.server().kill()
          }
          fired()
        } else {
          const act = async (): Promise<void> => {
            for (const [some, times] of [[rules.slice(0, 1), PATIENCE] as const, [rules, LONGEST] as const]) {
              shim.rules(some)
              const enough = (): number => options.loadMs * (shim.fired() > 0 ? 1 : times)
              for (let waited = 0; waited < enough() && rig.server().running(); waited += 10) await sleep(10)
              if (shim.fired() > 0 || !rig.server().running()) break
            }
            fired()
            if (rig.server().running()) await sleep(200)
          }
          await rig.underLoad({ seed, act, excuses: isHonest })
          if (rig.server().running()) {
            // It goes on: then it has to show what it acknowledged.
            if (dice.below(3) === 0) await rig.verify()
          } else {
            const how = await rig.server().ended()
            ended[`ended with ${how}`] = (ended[`ended with ${how}`] ?? 0) + 1
            if (how !== STORE_FAILED) rig.report(`${name}: ended with ${how}:\n${rig.server().output().slice(-3000)}`)
          }
        }
        await rig.server().kill()
        await rig.start()
        await book.learn('start')
        await rig.verify()
      },
      figures: () => ended,
      close: async () => shim[Symbol.dispose](),
    }
  },
}

function anyError(dice: Dice, { op, place, count }: Step): Rule {
  const base = { ops: [op], place, skip: dice.below(Math.min(5, count)), times: dice.pick([1, 1, 3, 1000]) }
  if (op === 'write' && dice.below(4) === 0) return { ...base, action: 'short write' }
  const changes = op === 'write' || op === 'open' || op === 'fsync' || op === 'fdatasync'
  const argument = dice.pick(
    op === 'open' || op === 'look' ? ['EIO', 'EMFILE', 'ENOSPC'] : changes ? ['EIO', 'ENOSPC'] : ['EIO'],
  )
  const after = (changes || op === 'rename') && op !== 'open' && dice.below(4) === 0
  return { ...base, action: after ? 'fail after' : 'fail', argument }
}

/** It starts all the same, or says why not and ends; it does not hang, and no signal ends it. */
async function startAgainst(rig: Rig): Promise<void> {
  try {
    await rig.start({}, 20_000)
  } catch (error) {
    const message = String(error)
    if (/not ready in time|SIG(?!KILL)/.test(message.split('\n')[0] ?? ''))
      rig.report(`a start against errors: ${message}`)
  }
}
