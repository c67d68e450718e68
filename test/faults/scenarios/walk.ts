import { truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import type { Dice } from '../../support/content.ts'
import { type JournalEntry, readJournal } from '../harness/journal.ts'
import { append, put, putInParts } from '../harness/load.ts'
import { type KeyState, PART_BYTES, type Version } from '../harness/model.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'
import { type Op, openShim, shimMissing } from '../harness/shim.ts'
import { CHANGES } from '../harness/steps.ts'

const KIB = 1024
/** What goes on behind an answer: the witness, collected garbage, a rewrapping. */
const TRAIL_MS = 400
const LOOK_MS = 20

/** An operation by itself, on the key `walked` of a bucket, or what the server does by itself. */
interface Walk {
  readonly name: string
  readonly run: (rig: Rig, bucket: string, seed: string) => Promise<void>
}

/** A call of an operation that changes a file, by what it is: the first, second, … of its kind on files of one kind. */
interface Place {
  readonly op: Op
  readonly place: string
  readonly skip: number
  readonly action: 'kill before' | 'kill after'
}

/** What is left to be tried of an operation, and the bucket in which it was seen. */
interface Seen {
  readonly bucket: string
  readonly left: Place[]
}

/** Each operation alone, killed at each of the changes to a file that it was seen to make, in any order. */
export const walk: Scenario = {
  name: 'walk',
  about: 'each operation by itself, killed before and after each of its changes to a file, from the first to the last',
  missing: async () => shimMissing(),
  perStore: 100,
  open: async (options) => {
    const { visited, at } = options
    const shim = openShim(`${options.directory}/store`, options.directory)
    const rig = await openRig(options, { settings: shim.environment })
    const figures: Record<string, number> = {}
    /** By operation. */
    const seen = new Map<string, Seen>()
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
    const learn = async (one: Walk, dice: Dice, bucket: string, seed: string): Promise<Seen> => {
      await perform(one, bucket, seed)
      await one.run(rig, bucket, seed)
      await end(one)
      const all = placesIn(await readJournal(shim.journal))
      const tried = visited.all()
      const isLeft = (place: Place): boolean =>
        at === undefined ? !tried.has(nameOf(one, place)) : nameOf(one, place) === at
      // What is there before a call is what was there after the one before it: after them all, only the last is new.
      const inTurn = (action: Place['action']) =>
        shuffled(
          all.filter((place) => place.action === action && isLeft(place)),
          dice,
        )
      return { bucket, left: [...inTurn('kill after'), ...inTurn('kill before')] }
    }
    const walksLeft = () =>
      WALKS.filter(({ name }) => (at?.startsWith(`${name}: `) ?? true) && seen.get(name)?.left.length !== 0)
    /** False when the server went by it. */
    const kill = async (one: Walk, place: Place, bucket: string, seed: string): Promise<boolean> => {
      await perform(one, bucket, seed)
      const { op, skip, action } = place
      shim.rules([{ ops: [op], place: place.place, action, skip, times: 1 }])
      await one.run(rig, bucket, seed).catch((error: unknown) => {
        if (shim.fired() === 0) rig.report(`${one.name} failed: ${String(error)}`)
      })
      for (let waited = 0; waited < TRAIL_MS && rig.server().running(); waited += LOOK_MS) await sleep(LOOK_MS)
      const fired = shim.fired() > 0
      shim.rules([])
      if (fired) return true
      // Not every time it makes as many.
      count(figures, `not met again: ${one.name}`)
      if (!rig.server().running()) await rig.start()
      return false
    }
    /** Kills at one place that was not tried yet; its name. */
    const visitOne = async (dice: Dice, number: number): Promise<string | undefined> => {
      for (let turn = number - 1, walks = walksLeft(); walks.length > 0; turn++, walks = walksLeft()) {
        const one = walks[turn % walks.length] ?? dice.pick(walks)
        const seed = `${options.seed}/${number}`
        const what = seen.get(one.name) ?? (await learn(one, dice, dice.pick(rig.buckets), `${seed}/seen`))
        seen.set(one.name, what)
        for (let place = what.left.pop(); place !== undefined; place = what.left.pop()) {
          const isOthers = at === undefined && visited.all().has(nameOf(one, place))
          if (!isOthers && (await kill(one, place, what.bucket, seed))) {
            rig.injected(`${place.action} a change of: ${one.name}`)
            return nameOf(one, place)
          }
        }
      }
      return undefined
    }
    return {
      rig,
      round: async (dice, number) => {
        const place = await visitOne(dice, number)
        await rig.server().kill()
        await rig.start()
        await rig.verify()
        if (place === undefined) return
        if (rig.tally.violations.length > 0) rig.report(`by itself: npm run faults -- walk --at '${place}'`)
        else visited.add(place)
        // Again and again, when it is named.
        if (at !== undefined) seen.clear()
      },
      over: () => walksLeft().length === 0,
      figures: () => figures,
      close: async () => shim[Symbol.dispose](),
    }
  },
}

const BOTH = ['kill before', 'kill after'] as const
const FIRST_BYTES = 40 * KIB

const nameOf = ({ name }: Walk, { action, op, place, skip }: Place): string =>
  `${name}: ${action} ${op} ${place}, ${skip + 1}`

function placesIn(journal: readonly JournalEntry[]): Place[] {
  const met: Record<string, number> = {}
  return journal
    .filter(({ op }) => CHANGES.includes(op))
    .flatMap(({ op, place }) => {
      count(met, `${op} ${place}`)
      return BOTH.map((action) => ({ op, place, skip: (met[`${op} ${place}`] ?? 0) - 1, action }))
    })
}

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
