import { setTimeout as sleep } from 'node:timers/promises'
import { HeadObjectCommand, ListObjectVersionsCommand, type S3ServiceException } from '@aws-sdk/client-s3'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { openShim, shimMissing } from '../harness/shim.ts'

const HOUR_MS = 3_600_000
const JUMPS_MS = [-72, -25, -2, -0.2, -0.001, 0.001, 0.2, 2, 23, 72, 24 * 400].map((hours) => hours * HOUR_MS)

/** The clock of the server alone is set back and forth; what depends on time must not lose or reorder what is stored. */
export const clock: Scenario = {
  name: 'clock',
  about: 'the clock jumps back and forth, by seconds to a year: versions stay in order, sessions and workers go on',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    const rig = await openRig(options, { settings: shim.environment })
    let off = 0
    const jump = async (byMs: number): Promise<void> => {
      off += byMs
      shim.setClockOff(off)
      rig.injected(`${byMs < 0 ? 'back' : 'forward'} by ${Math.abs(byMs) / HOUR_MS} h`)
    }
    // Its requests carry its own clock: it learns the server's from the refusal.
    const excuses = (error: S3ServiceException): boolean =>
      ['RequestTimeTooSkewed', 'AccessDenied'].includes(error.name) && error.$metadata.httpStatusCode === 403
    return {
      rig,
      round: async (dice, number) => {
        const act = async (): Promise<void> => {
          for (let jumps = 1 + dice.below(3); jumps > 0; jumps--) {
            await sleep(options.loadMs / 3)
            await jump(dice.pick(JUMPS_MS))
          }
          await sleep(options.loadMs / 2)
        }
        await rig.underLoad({ seed: `${options.seed}/${number}`, act, excuses, kill: dice.below(2) === 0 })
        if (!rig.server().running()) await rig.start()
        await untilInStep(rig)
        await rig.verify()
        await checkOrder(rig)
        await rig.server().kill()
        if (dice.below(2) === 0) await jump(dice.pick(JUMPS_MS))
        await rig.start()
        await untilInStep(rig)
        await rig.verify()
        await checkOrder(rig)
        // Back to where it was: the next jump is one, and not a small step from a far one.
        await jump(-off)
        await untilInStep(rig)
      },
      close: async () => shim[Symbol.dispose](),
    }
  },
}

/** Node keeps the text of its Date header for up to a second, and by that the client sets its own clock. */
const DATE_HEADER_MS = 1100

async function untilInStep(rig: Rig): Promise<void> {
  await sleep(DATE_HEADER_MS)
  for (let attempt = 0; attempt < 20; attempt++) {
    const known = await rig.client.send(new HeadObjectCommand({ Bucket: rig.buckets[0], Key: 'nothing' })).then(
      () => true,
      (error: S3ServiceException) => error.$metadata.httpStatusCode === 404,
    )
    if (known) return
    await sleep(50)
  }
  rig.report('the client does not come to terms with the clock')
}

/** Of the versions of a key the one acknowledged last is the first in the list. */
async function checkOrder(rig: Rig): Promise<void> {
  const { Versions: listed = [] } = await rig.client.send(
    new ListObjectVersionsCommand({ Bucket: 'with-versions', MaxKeys: 1000 }),
  )
  const acknowledged = new Map(rig.model.versions().map(({ versionId }, at) => [versionId, at]))
  for (const [key, versions] of Map.groupBy(listed, ({ Key }) => Key ?? '')) {
    const order = versions.flatMap(({ VersionId }) => acknowledged.get(VersionId ?? '') ?? [])
    if (order.some((at, index) => index > 0 && at > (order[index - 1] ?? 0)))
      rig.report(`the versions of ${key} are listed in another order than they were written`)
  }
}
