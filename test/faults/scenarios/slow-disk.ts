import { setTimeout as sleep } from 'node:timers/promises'
import { openRig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { type Op, openShim, type Rule, shimMissing } from '../harness/shim.ts'

const SYNCS: readonly Op[] = ['fdatasync', 'fsync']
const PLACES = ['data/blobs/*', 'data/metadata/*', 'data/audit/*', 'data/*']

/** Nothing is excused: a slow disk makes requests slow and nothing else. */
export const slowDisk: Scenario = {
  name: 'slow-disk',
  about: 'syncs, writes and reads that take up to two seconds; no request fails for it',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    const rig = await openRig(options, { settings: shim.environment })
    return {
      rig,
      round: async (dice, number) => {
        const place = dice.pick(PLACES)
        const delayed = (ops: readonly Op[], longestMs: number): Rule => {
          return { ops, place, action: 'delay', argument: 1 + dice.below(longestMs) }
        }
        shim.rules([
          delayed(SYNCS, 300),
          delayed(['write', 'open', 'rename'], 30),
          delayed(['read', 'look'], 5),
          { ...delayed(SYNCS, 2000), skip: dice.below(10), times: 1 },
        ])
        const act = async (): Promise<void> => sleep(options.loadMs)
        await rig.underLoad({ seed: `${options.seed}/${number}`, act, kill: dice.below(2) === 0 })
        rig.injected(`delays at ${place}`, shim.fired())
        if (rig.server().running()) await rig.verify()
        shim.rules([])
        await rig.server().kill()
        await rig.start()
        await rig.verify()
      },
      close: async () => shim[Symbol.dispose](),
    }
  },
}
