import { truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import type { Dice } from '../../support/content.ts'
import { readJournal } from '../harness/journal.ts'
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

/** A change of a file, counted from the beginning of the operation. */
interface Position {
  readonly skip: number
  readonly action: 'kill before' | 'kill after'
}

/** Each operation alone, killed at each of the changes to a file that it was seen to make, in any order. */
export const walk: Scenario = {
  name: 'walk',
  about: 'each operation by itself, killed before and after each of its changes to a file, from the first to the last',
  missing: async () => shimMissing(),
  isOneStore: true,
  open: async (options) => {
    const shim = openShim(`${options.directory}/store`, options.directory)
    const rig = await openRig(options, { settings: shim.environment })
    const figures: Record<string, number> = {}
    /** Of each operation, where it was not killed yet; what it does is seen once before. */
    const left = new Map<string, Position[]>()
    const perform = async (one: Walk, bucket: string, seed: string): Promise<void> => {
      await write(rig, bucket, { seed: `${seed}/first`, lengthBytes: FIRST_BYTES })
      if (one.name === START) await rig.server().kill()
      shim.record('places')
      await truncate(shim.journal, 0)
    }
    const end = async (one: Walk): Promise<void> => {
      if (rig.server().running()) await sleep(TRAIL_MS)
      shim.record('nothing')
      if (one.name === START && !rig.server().running()) await rig.start()
    }
    const changes = async (): Promise<number> =>
      (await readJournal(shim.journal)).filter(({ op }) => CHANGES.includes(op)).length
    const learn = async (one: Walk, dice: Dice, bucket: string, seed: string): Promise<Position[]> => {
      await perform(one, bucket, seed)
      await one.run(rig, bucket, seed)
      await end(one)
      const length = await changes()
      figures[`changes of: ${one.name}`] = length
      const all = Array.from({ length }, (_, skip) => BOTH.map((action): Position => ({ skip, action }))).flat()
      return shuffled(all, dice)
    }
    return {
      rig,
      round: async (dice, number) => {
        const open = WALKS.filter(({ name }) => left.get(name)?.length !== 0)
        if (open.length === 0) left.clear()
        const one = (open.length === 0 ? WALKS : open)[(number - 1) % (open.length || WALKS.length)] ?? dice.pick(WALKS)
        const bucket = dice.pick(rig.buckets)
        const seed = `${options.seed}/${number}`
        const places = left.get(one.name) ?? (await learn(one, dice, bucket, `${seed}/seen`))
        left.set(one.name, places)
        for (let place = places.pop(); place !== undefined; place = places.pop()) {
          await perform(one, bucket, seed)
          shim.rules([{ ops: CHANGES, place: '*', action: place.action, skip: place.skip, times: 1 }])
          await one.run(rig, bucket, seed).catch((error: unknown) => {
            if (shim.fired() === 0) rig.report(`${one.name} failed: ${String(error)}`)
          })
          if (rig.server().running()) await sleep(TRAIL_MS)
          const fired = shim.fired() > 0
          shim.rules([])
          if (fired) {
            rig.injected(`${place.action} a change of: ${one.name}`)
            break
          }
          // Not every time it has as many.
          count(figures, `shorter than seen: ${one.name}`)
          if (!rig.server().running()) await rig.start()
        }
        await rig.server().kill()
        await rig.start()
        await rig.verify()
      },
      figures: () => ({
        ...figures,
        ...Object.fromEntries([...left].map(([n, all]) => [`left of: ${n}`, all.length])),
      }),
      close: async () => shim[Symbol.dispose](),
    }
  },
}

const BOTH = ['kill before', 'kill after'] as const
const FIRST_BYTES = 40 * KIB

const count = (figures: Record<string, number>, name: string): void => {
  figures[name] = (figures[name] ?? 0) + 1
}

function shuffled<Item>(items: readonly Item[], dice: Dice): Item[] {
  const left = [...items]
  return items.flatMap(() => left.splice(dice.below(left.length), 1))
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
