import { setTimeout as sleep } from 'node:timers/promises'
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { append, put, putInParts } from '../harness/load.ts'
import { type KeyState, PART_BYTES, type Version } from '../harness/model.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { openShim, shimMissing } from '../harness/shim.ts'
import { CHANGES } from '../harness/steps.ts'

const KIB = 1024
/** What goes on behind an answer: the witness, collected garbage, a rewrapping. */
const TRAIL_MS = 400

/** An operation by itself, on the key `walked` of a bucket, or what the server does by itself. */
interface Walk {
  readonly name: string
  readonly run: (rig: Rig, bucket: string, seed: string) => Promise<void>
}

/** Each operation alone, killed at its first change to a file, at its second, and so on until it comes to its end. */
export const walk: Scenario = {
  name: 'walk',
  about:
    'each operation by itself, killed before and after its first change to a file, its second, and so on to its end',
  missing: async () => shimMissing(),
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    const rig = await openRig(options, { settings: shim.environment })
    /** How many changes each goes before the kill, before or after it. */
    const at = new Map(
      WALKS.map(({ name }) => [name, { skip: 0, action: 'kill before' as 'kill before' | 'kill after' }]),
    )
    const lengths: Record<string, number> = {}
    return {
      rig,
      round: async (dice, number) => {
        const one = WALKS[(number - 1) % WALKS.length] ?? dice.pick(WALKS)
        const place = at.get(one.name) ?? { skip: 0, action: 'kill before' }
        const bucket = dice.pick(rig.buckets)
        const seed = `${options.seed}/${number}`
        await write(rig, bucket, { seed: `${seed}/first`, lengthBytes: 1 + dice.below(90 * KIB) })
        if (one.name === START) await rig.server().kill()
        shim.rules([{ ops: CHANGES, place: '*', action: place.action, skip: place.skip, times: 1 }])
        await one.run(rig, bucket, seed).catch((error: unknown) => {
          if (shim.fired() === 0) rig.report(`${one.name} failed: ${String(error)}`)
        })
        if (rig.server().running()) await sleep(TRAIL_MS)
        const fired = shim.fired() > 0
        shim.rules([])
        if (fired) {
          rig.injected(`${place.action} a change of: ${one.name}`)
          place.skip++
        } else {
          lengths[`changes of: ${one.name}`] = Math.max(lengths[`changes of: ${one.name}`] ?? 0, place.skip)
          place.skip = 0
          place.action = place.action === 'kill before' ? 'kill after' : 'kill before'
        }
        await rig.server().kill()
        await rig.start()
        await rig.verify()
      },
      figures: () => lengths,
      close: async () => shim[Symbol.dispose](),
    }
  },
}

const KEY = 'walked'
const START = 'start and sweep'

async function acknowledged(
  rig: Rig,
  bucket: string,
  state: KeyState,
  send: () => Promise<{ VersionId?: string | undefined }>,
): Promise<void> {
  rig.model.begin(bucket, KEY, state)
  const { VersionId } = await send()
  rig.model.acknowledge(bucket, KEY, state, VersionId)
  rig.tally.acknowledged['walked'] = (rig.tally.acknowledged['walked'] ?? 0) + 1
}

const write = (rig: Rig, bucket: string, version: Version): Promise<void> =>
  acknowledged(rig, bucket, version, () => put(rig.client, bucket, KEY, version))

const parts = (finish: boolean) => (rig: Rig, bucket: string, seed: string) => {
  const version = { seed, lengthBytes: PART_BYTES + 1 }
  return putInParts(rig.client, bucket, KEY, version, finish, (send) => acknowledged(rig, bucket, version, send))
}

const current = (rig: Rig, bucket: string): Version => rig.model.at(bucket, KEY).at(-1) ?? { seed: '', lengthBytes: 0 }

const WALKS: readonly Walk[] = [
  { name: 'put, small', run: (rig, bucket, seed) => write(rig, bucket, { seed, lengthBytes: 1000 }) },
  { name: 'put, large', run: (rig, bucket, seed) => write(rig, bucket, { seed, lengthBytes: 900 * KIB }) },
  { name: 'multipart', run: parts(true) },
  { name: 'multipart, aborted', run: parts(false) },
  {
    name: 'append',
    run: async (rig, _bucket, seed) => {
      const [bucket = ''] = rig.buckets
      await write(rig, bucket, { seed, lengthBytes: 70 * KIB })
      const end = current(rig, bucket)
      const longer = { ...end, lengthBytes: end.lengthBytes + 300 * KIB }
      await acknowledged(rig, bucket, longer, () => append(rig.client, bucket, KEY, end, longer))
    },
  },
  {
    name: 'copy',
    run: (rig, bucket, seed) => {
      const to = rig.buckets.find((other) => other !== bucket) ?? bucket
      const version = current(rig, bucket)
      rig.model.begin(to, seed, version)
      const command = new CopyObjectCommand({ Bucket: to, Key: seed, CopySource: `${bucket}/${KEY}` })
      return rig.client.send(command).then(({ VersionId }) => rig.model.acknowledge(to, seed, version, VersionId))
    },
  },
  {
    name: 'delete',
    run: (rig, bucket) =>
      acknowledged(rig, bucket, undefined, async () => {
        await rig.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: KEY }))
        return {}
      }),
  },
  {
    name: 'delete, many',
    run: (rig, bucket) =>
      acknowledged(rig, bucket, undefined, async () => {
        const Objects = [{ Key: KEY }, { Key: 'nothing' }]
        await rig.client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
        return {}
      }),
  },
  { name: 'key rotation', run: async (rig) => void (await (await rig.keys()).act(rig.rootKeyId(), 'rotate')) },
  {
    name: 'rewrap',
    run: async (rig) => {
      await (await rig.keys()).act(rig.rootKeyId(), 'rotate')
      await (await rig.admin()).call('POST', '/admin/v1/buckets/customer-managed/rewrap')
    },
  },
  {
    name: 'lifecycle',
    run: async (rig, bucket, seed) => {
      const version = { seed, lengthBytes: 300 * KIB }
      rig.model.begin(bucket, 'aging/walked', version)
      const { VersionId } = await put(rig.client, bucket, 'aging/walked', version)
      rig.model.acknowledge(bucket, 'aging/walked', version, VersionId)
      await sleep(1300)
    },
  },
  { name: START, run: (rig) => rig.start({}, 20_000) },
]
