import { setTimeout as sleep } from 'node:timers/promises'
import { diceFrom } from '../../support/content.ts'
import type { Rig } from './rig.ts'

export interface ChoresOptions {
  readonly rig: Pick<Rig, 'keys' | 'admin' | 'rootKeyId' | 'tally'>
  readonly bucket: string
  readonly seed: string
  /** A look at all that is stored, too. */
  readonly scrubs: boolean
}

/** Rotates the root key and has buckets rewrapped, until `signal`, whatever comes of it: the load sees whether it is right. */
export async function startChores({ rig, bucket, seed, scrubs }: ChoresOptions, signal: AbortSignal): Promise<void> {
  const dice = diceFrom(`${seed}/chores`)
  const count = (name: string): void => {
    rig.tally.acknowledged[name] = (rig.tally.acknowledged[name] ?? 0) + 1
  }
  while (!signal.aborted) {
    try {
      await sleep(50 + dice.below(300), undefined, { signal })
      if (scrubs && dice.below(2) === 0) {
        if ((await (await rig.admin()).call('POST', '/admin/v1/scrub')).status < 300) count('scrub')
      } else if (dice.below(2) === 0) {
        await (await rig.keys()).act(rig.rootKeyId(), 'rotate')
        count('rotation')
      } else if ((await (await rig.admin()).call('POST', `/admin/v1/buckets/${bucket}/rewrap`)).status < 300)
        count('rewrap')
    } catch {
      // Of a server that is down.
      await sleep(50)
    }
  }
}
