import { setTimeout as sleep } from 'node:timers/promises'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

const ROOM_FOR_THREADS = new URL('../../support/room-for-threads.ts', import.meta.url).href
const BUSY_MS = 7000
const QUIET_MS = 3000
const DEADLINE_MS = 90_000
const LOOK_EVERY_MS = 200

export const threads: Scenario = {
  name: 'threads',
  about: 'serving threads come and go under load, and kill -9 at random meanwhile',
  open: async (options) => {
    const rig = await openRig(
      { ...options, threads: 3 },
      {
        nodeOptions: ['--import', ROOM_FOR_THREADS],
        settings: {
          COFFER_S3_THREADS: 'auto',
          COFFER_S3_THREAD_IDLE_MS: '1000',
          BUSY_MS: `${BUSY_MS}`,
          QUIET_MS: `${QUIET_MS}`,
        },
      },
    )
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        const act = async (): Promise<void> => {
          await comeAndGo(rig)
          await sleep(dice.below(BUSY_MS + QUIET_MS))
        }
        await rig.underLoad({ seed, kill: true, act })
        rig.injected('kill under load')
        await rig.start()
        await rig.verify()
      },
    }
  },
}

/** Until one has come and one has gone. */
async function comeAndGo(rig: Rig): Promise<void> {
  const changes = async (): Promise<Readonly<Record<string, number>>> => {
    const text = await (await fetch(`${rig.server().controlUrl}/metrics`)).text()
    const found = text.matchAll(/^coffer_s3_thread_changes_total\{change="([a-z]+)"[^}]*\} (\d+)$/gm)
    return Object.fromEntries(Array.from(found, ([, change, times]) => [change, Number(times)]))
  }
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const { more = 0, fewer = 0 } = await changes()
    if (more > 0 && fewer > 0) return rig.injected('threads came and went')
    if (performance.now() > deadline) return rig.report(`in ${DEADLINE_MS} ms ${more} threads came and ${fewer} went`)
    await sleep(LOOK_EVERY_MS)
  }
}
