import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { append, put, putInParts, WITH_VERSIONS, type Written } from '../faults/harness/load.ts'
import {
  anyLength,
  anyLengthInParts,
  FLEETING,
  hashOfVersion,
  type KeyState,
  type Model,
  type ModelVersion,
} from '../faults/harness/model.ts'
import { contentBytes, type Dice, diceFrom, hashOf } from '../support/content.ts'
import { misuse } from './misuse.ts'

export interface SoakLoadOptions {
  /** Asked before each action: connections are renewed now and then. */
  readonly client: () => S3Client
  readonly s3Url: string
  readonly controlUrl: string
  readonly model: Model
  readonly versions: VersionLedger
  readonly buckets: readonly string[]
  readonly workers: number
  /** Of each worker in each bucket: with that the store reaches a size at which it stays. */
  readonly keysPerWorker: number
  readonly seed: string
  /** Resolves when the next action may begin. */
  readonly turn: () => Promise<void>
}

/** Versions and delete markers that were acknowledged and not removed since, the oldest first. */
export interface VersionLedger {
  readonly all: () => readonly ModelVersion[]
  readonly of: (key: string) => readonly LedgerEntry[]
  readonly add: (entry: LedgerEntry) => void
  readonly remove: (entry: LedgerEntry) => void
}

/** Of a delete marker there is no version. */
type LedgerEntry = Omit<ModelVersion, 'version'> & { readonly version: KeyState }

export function versionLedger(): VersionLedger {
  const byKey = new Map<string, readonly LedgerEntry[]>()
  const of = (key: string): readonly LedgerEntry[] => byKey.get(key) ?? []
  return {
    all: () => [...byKey.values()].flat().flatMap(({ version, ...at }) => (version ? [{ ...at, version }] : [])),
    of,
    add: (entry) => void byKey.set(entry.key, [...of(entry.key), entry]),
    remove: (entry) =>
      void byKey.set(
        entry.key,
        of(entry.key).filter((each) => each !== entry),
      ),
  }
}

export interface SoakLoad {
  readonly ended: Promise<void>
  readonly counts: () => Readonly<Record<string, number>>
  readonly violations: () => readonly string[]
}

type Act = (at: Place) => Promise<void>

/** What one action is about. */
interface Place {
  readonly client: S3Client
  readonly bucket: string
  readonly key: string
  readonly seed: string
  readonly dice: Dice
  readonly state: KeyState
  readonly write: (state: KeyState, send: () => Promise<Written>) => Promise<void>
  readonly options: SoakLoadOptions
}

/** How often each is done, of the sum. */
const ACTIONS: readonly (readonly [name: string, share: number, act: Act])[] = [
  [
    'put',
    24,
    async ({ client, bucket, key, seed, dice, write }) => {
      const version = { seed, lengthBytes: anyLength(dice) }
      await write(version, () => put(client, bucket, key, version))
    },
  ],
  ['get', 18, read],
  ['range', 7, readRange],
  ['head', 8, head],
  [
    'list',
    6,
    async ({ client, bucket, dice }) => {
      const [MaxKeys, Prefix] = [1 + dice.below(1000), dice.pick(['', 'w1/', 'w2/k1/'])]
      await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys, Prefix, Delimiter: dice.pick(['', '/']) }))
    },
  ],
  [
    'list versions',
    2,
    async ({ client, bucket, dice }) => {
      await client.send(new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1 + dice.below(1000) }))
    },
  ],
  [
    'delete',
    6,
    async ({ client, bucket, key, write }) => {
      await write(undefined, () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })))
    },
  ],
  [
    'delete of many',
    1,
    async ({ client, bucket, key, write }) => {
      await write(undefined, async () => {
        const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: key }] } })
        const { Errors, Deleted } = await client.send(command)
        if (Errors !== undefined && Errors.length > 0) throw new WrongAnswer(JSON.stringify(Errors))
        return { VersionId: Deleted?.[0]?.DeleteMarkerVersionId }
      })
    },
  ],
  ['multipart', 2, (at) => inParts(at, true)],
  ['multipart, aborted', 2, (at) => inParts(at, false)],
  ['append', 3, appendMore],
  ['copy', 4, copyHere],
  ['tags', 2, tag],
  ['version read', 3, readVersion],
  [
    'misuse',
    8,
    async ({ bucket, key, dice, options: { s3Url, controlUrl } }) => {
      const wrong = await misuse({ s3Url, controlUrl, bucket, key, dice })
      if (wrong !== undefined) throw new WrongAnswer(wrong)
    },
  ],
]
const SHARES = ACTIONS.reduce((sum, [, share]) => sum + share, 0)

/** Beyond it the oldest are removed, so that versions do not pile up. */
const VERSIONS_A_KEY = 6

class WrongAnswer extends Error {}

/** Workers that take turns until `signal`, each on keys of its own; whatever is not answered as it must be is a violation. */
export function startSoakLoad(options: SoakLoadOptions, signal: AbortSignal): SoakLoad {
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const worker = async (number: number): Promise<void> => {
    const dice = diceFrom(`${options.seed}/${number}`)
    for (let turn = 0; !signal.aborted; turn++) {
      await options.turn().catch(() => {})
      if (signal.aborted) return
      const [name, act] = anyAction(dice)
      try {
        await act(placeOf(options, number, turn, dice))
        counts[name] = (counts[name] ?? 0) + 1
      } catch (error) {
        violations.push(`${name}: ${String(error)}`)
      }
    }
  }
  const ended = Promise.all(Array.from({ length: options.workers }, (_, number) => worker(number)))
  return { ended: ended.then(() => undefined), counts: () => counts, violations: () => violations }
}

function anyAction(dice: Dice): readonly [string, Act] {
  let left = dice.below(SHARES)
  for (const [name, share, act] of ACTIONS) {
    if (left < share) return [name, act]
    left -= share
  }
  throw new RangeError('no action')
}

function placeOf(options: SoakLoadOptions, worker: number, turn: number, dice: Dice): Place {
  const { model, versions, client } = options
  const bucket = dice.pick(options.buckets)
  const number = dice.below(options.keysPerWorker)
  const key = number === 0 ? `${FLEETING}w${worker}` : `w${worker}/k${number % 3}/${number}`
  const [state, ...others] = model.at(bucket, key)
  const seed = `${options.seed}/${worker}/${turn}`
  return {
    ...{ client: client(), bucket, key, seed, dice, options },
    state: others.length === 0 ? state : undefined,
    write: async (to, send) => {
      model.begin(bucket, key, to)
      const { VersionId: versionId } = await send()
      model.acknowledge(bucket, key, to)
      if (versionId === undefined || key.startsWith(FLEETING)) return
      versions.add({ bucket, key, versionId, version: to })
      await removeOldest(client(), versions, key)
    },
  }
}

async function read({ client, bucket, key, state }: Place): Promise<void> {
  if (state === undefined) return
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  const { hash } = await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())
  if (hash !== hashOfVersion(state)) throw new WrongAnswer(`${bucket}/${key} is not ${state.seed}`)
}

async function readRange({ client, bucket, key, state, dice }: Place): Promise<void> {
  if (state === undefined || state.lengthBytes === 0) return
  const start = dice.below(state.lengthBytes)
  const end = Math.min(state.lengthBytes - 1, start + dice.below(200_000))
  const Range = `bytes=${start}-${end}`
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range }))
  const got = Buffer.from((await Body?.transformToByteArray()) ?? [])
  const meant = contentBytes(state.seed, end + 1).subarray(start)
  if (!got.equals(meant)) throw new WrongAnswer(`${bucket}/${key}, ${Range}, is not of ${state.seed}`)
}

async function head({ client, bucket, key, state }: Place): Promise<void> {
  if (state === undefined) return
  const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
  if (ContentLength !== state.lengthBytes) throw new WrongAnswer(`${bucket}/${key} is ${ContentLength} bytes long`)
}

async function inParts({ client, bucket, key, seed, dice, write }: Place, finish: boolean): Promise<void> {
  const version = { seed, lengthBytes: anyLengthInParts(dice) }
  await putInParts(client, bucket, key, version, finish, (send) => write(version, send))
}

/** Up to a size from which on it would be the whole load. */
async function appendMore({ client, bucket, key, state, dice, write }: Place): Promise<void> {
  if (state === undefined || bucket === WITH_VERSIONS || state.lengthBytes > 4_000_000) return
  const longer = { ...state, lengthBytes: state.lengthBytes + 1 + dice.below(50_000) }
  await write(longer, () => append(client, bucket, key, state, longer))
}

async function copyHere({ client, bucket, key, dice, options, write }: Place): Promise<void> {
  const there = options.model.keys()
  if (there.length === 0) return
  const from = dice.pick(there)
  const [source, ...others] = from.possible
  // Of another worker it may change meanwhile; then nobody knows what was copied.
  const isOwn = from.key.split('/')[0] === key.split('/')[0] && !key.startsWith(FLEETING)
  if (source === undefined || others.length > 0 || !isOwn || (from.bucket === bucket && from.key === key)) return
  const CopySource = `${from.bucket}/${from.key}`
  await write(source, () => client.send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource })))
}

async function tag({ client, bucket, key, state, seed }: Place): Promise<void> {
  if (state === undefined) return
  const Tagging = { TagSet: [{ Key: 'turn', Value: seed }] }
  await client.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: key, Tagging }))
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }))
  if (TagSet?.[0]?.Value !== seed) throw new WrongAnswer(`${bucket}/${key} has other tags: ${JSON.stringify(TagSet)}`)
}

async function readVersion({ client, key, dice, options: { versions } }: Place): Promise<void> {
  const kept = versions.of(key)
  if (kept.length === 0) return
  const { bucket, versionId, version } = dice.pick(kept)
  if (version === undefined) return
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }))
  const { hash } = await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())
  if (hash !== hashOfVersion(version)) throw new WrongAnswer(`${bucket}/${key} ${versionId} is not ${version.seed}`)
}

/** Of a key that has too many: never the current one. */
async function removeOldest(client: S3Client, versions: VersionLedger, key: string): Promise<void> {
  const [oldest, ...others] = versions.of(key)
  if (oldest === undefined || others.length < VERSIONS_A_KEY) return
  versions.remove(oldest)
  await client.send(new DeleteObjectCommand({ Bucket: oldest.bucket, Key: key, VersionId: oldest.versionId }))
}
