import { truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readJournal } from '../harness/journal.ts'
import { replay, STRICTNESS, writeTree } from '../harness/power-cut.ts'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { openShim, shimMissing } from '../harness/shim.ts'

/** Whatever the server does to its files is written down; a cut rebuilds the directory from it without what was not synced. */
export const powerLoss: Scenario = {
  name: 'power-loss',
  about: 'power cuts under load and during a start: what was not synced is lost, torn or zeros, names as well as bytes',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    shim.record('changes')
    const rig = await openRig(options, { settings: shim.environment })
    // Shows that this finds what is not synced.
    const lies = () =>
      shim.rules(options.lie === undefined ? [] : [{ ops: ['fdatasync', 'fsync'], place: options.lie, action: 'lie' }])
    let before: ReadonlyMap<string, Buffer | undefined> = new Map()
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        lies()
        const strictness = dice.pick(STRICTNESS)
        await rig.underLoad({ seed, kill: true, act: () => sleep(100 + dice.below(options.loadMs)) })
        const cut = async (when: string): Promise<void> => {
          before = replay(before, await readJournal(shim.journal)).cut(strictness, dice)
          await writeTree(rig.root, before)
          await truncate(shim.journal, 0)
          rig.injected(`${strictness} ${when}`)
        }
        await cut('under load')
        while (dice.below(4) === 0) {
          await rig.start({}, 100 + dice.below(1500)).then(
            () => rig.server().kill(),
            () => undefined,
          )
          await cut('during a start')
        }
        await rig.start()
        await rig.verify()
      },
      close: async () => shim[Symbol.dispose](),
    }
  },
}
