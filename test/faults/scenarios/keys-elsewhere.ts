import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3ServiceException } from '@aws-sdk/client-s3'
import { startKeysHalf } from '../../support/keys-half.ts'
import { type FlakyLink, flakyLink, MOODS } from '../harness/flaky-link.ts'
import { isHonest } from '../harness/honest.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

const WAYS = ['flapping', 'one answer', 'never', 'killed', 'revoked'] as const
const WELL_WITHIN_MS = 40_000

/** Keys in a process of their own, behind a link that answers for it or not; the objects keep what they acknowledged. */
export const keysElsewhere: Scenario = {
  name: 'keys-elsewhere',
  about:
    'the key service in another process: errors, garbage, timeouts, flapping, killed; the root key disabled and enabled',
  open: async (options) => {
    const opened: { link?: FlakyLink } = {}
    const half = await startKeysHalf({
      directory: options.directory,
      via: async (url) => {
        opened.link = await flakyLink(url)
        return opened.link.url
      },
    })
    const { link } = opened
    if (link === undefined) throw new Error('no link')
    const rig = await openRig(options, { settings: half.settings, keysUrl: () => half.server.controlUrl })
    const figures = { 'well again after at most, ms': 0 }
    return {
      rig,
      round: async (dice, number) => {
        const way = dice.pick(WAYS)
        const mood = dice.pick(MOODS)
        const moods = { flapping: MOODS, 'one answer': [mood], never: ['never'], killed: [], revoked: [] } as const
        const nth = way === 'never' ? 1 : 1 + dice.below(3)
        const alsoKilled = dice.below(3) === 0
        const act = async (): Promise<void> => {
          await sleep(dice.below(300))
          link.become(moods[way], nth)
          if (way === 'revoked') await (await rig.keys()).act(rig.rootKeyId(), 'disable')
          if (way === 'killed') await half.restart(() => sleep(dice.below(options.loadMs)))
          await sleep(options.loadMs)
        }
        const excuses = (error: S3ServiceException): boolean =>
          isHonest(error) || (way === 'revoked' && error.name === 'KMS.DisabledException')
        await rig.underLoad({ seed: `${options.seed}/${number}`, act, excuses, kill: alsoKilled })
        rig.injected(`${way === 'one answer' ? mood : way}${alsoKilled ? ', and the store killed' : ''}`)
        if (alsoKilled) await rig.start()
        if (!rig.server().running()) rig.report(`${way}: the store ended:\n${rig.server().output().slice(-3000)}`)
        if (way === 'revoked') {
          await checkRevoked(rig)
          await (await rig.keys()).act(rig.rootKeyId(), 'enable')
        }
        link.become([], 1)
        const healing = performance.now()
        await untilWell(rig)
        const slowest = Math.max(figures['well again after at most, ms'], Math.round(performance.now() - healing))
        figures['well again after at most, ms'] = slowest
        await rig.verify()
        await rig.server().kill()
        await rig.start()
        await untilWell(rig)
        await rig.verify()
      },
      figures: () => figures,
      close: async () => {
        await half[Symbol.asyncDispose]()
        await link[Symbol.asyncDispose]()
      },
    }
  },
}

/** The promise is five seconds. */
async function checkRevoked(rig: Rig): Promise<void> {
  await sleep(5000)
  const known = rig.model
    .keys()
    .find(({ bucket, possible }) => bucket === 'customer-managed' && !possible.includes(undefined))
  if (known === undefined) return
  const read = await rig.client.send(new GetObjectCommand({ Bucket: known.bucket, Key: known.key })).then(
    () => 'was read',
    (error: Error) => error.name,
  )
  if (read !== 'KMS.DisabledException') rig.report(`under a disabled key ${known.bucket}/${known.key} ${read}`)
}

async function untilWell(rig: Rig): Promise<void> {
  const deadline = performance.now() + WELL_WITHIN_MS
  for (const Bucket of rig.buckets) {
    const target = { Bucket, Key: 'aging/probe' }
    for (;;) {
      try {
        await rig.client.send(new PutObjectCommand({ ...target, Body: 'body' }))
        const { VersionId } = await rig.client.send(new GetObjectCommand(target))
        await rig.client.send(new DeleteObjectCommand({ ...target, VersionId }))
        break
      } catch (error) {
        if (performance.now() > deadline) return rig.report(`${Bucket} does not work again: ${String(error)}`)
        await sleep(200)
      }
    }
  }
}
