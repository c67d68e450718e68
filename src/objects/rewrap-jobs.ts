import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { MetadataStore, Write } from '../storage/metadata/metadata-store.ts'
import { rowsUnder, SPACE } from './keyspace.ts'
import { decode, encode, number, objectOf, text } from './record-codec.ts'

/**
 * `failed`: something of the bucket cannot be rewrapped, and trying again does not help. `cancelled`: what was not rewrapped
 * stays as it is until a rewrapping is begun anew.
 */
export type RewrapState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

/** Everything that is known of the latest rewrapping of a bucket; stored, so that it goes on after a restart. */
export interface RewrapJob {
  readonly bucketId: string
  readonly bucket: string
  readonly state: RewrapState
  readonly startedAtMs: number
  readonly finishedAtMs?: number
  /** Objects and uploads looked at, and rewrapped. */
  readonly examined: number
  readonly rewrapped: number
  /** Versions get new DEKs, and their contents are sealed under those, as far as that is possible. */
  readonly reencrypts?: Reencrypted
  /** Why it does not go on at the moment, or why it failed: a code. */
  readonly problem?: string
  /** Root keys that refused, and why: what lies under them is as it was. */
  readonly refusals?: readonly KeyRefusal[]
  /** All rows up to this one have been looked at. */
  readonly cursor?: RewrapCursor
}

/** What was sealed anew so far. */
export interface Reencrypted {
  readonly versions: number
  readonly bytes: number
  /** Versions that were not, for they are damaged: they went along as they are. */
  readonly damaged: number
}

export const NOTHING_REENCRYPTED: Reencrypted = { versions: 0, bytes: 0, damaged: 0 }

export interface KeyRefusal {
  readonly rootKeyCrn: string
  /** A code. */
  readonly problem: string
}

export interface RewrapCursor {
  readonly space: number
  /** Hex of the row's key. */
  readonly after: string
}

const rowOf = (bucketId: string): Buffer => uuidToBytes(bucketId)

export const jobWrite = ({ bucketId, ...job }: RewrapJob): Write => ({
  type: 'put',
  space: SPACE.rewrap,
  key: rowOf(bucketId),
  value: encode(job),
})

export const endOfJob = (bucketId: string): Write => ({ type: 'delete', space: SPACE.rewrap, key: rowOf(bucketId) })

export const newJob = (
  of: { readonly id: string; readonly name: string },
  startedAtMs: number,
  reencrypts?: Reencrypted,
): RewrapJob => ({
  ...{ bucketId: of.id, bucket: of.name, state: 'running' as const },
  ...{ startedAtMs, examined: 0, rewrapped: 0 },
  ...(reencrypts ? { reencrypts } : {}),
})

export async function readJobs(metadata: MetadataStore): Promise<RewrapJob[]> {
  const jobs: RewrapJob[] = []
  const page = 500
  const { lt } = rowsUnder(Buffer.from([0xff]))
  let gte = Buffer.alloc(0)
  for (;;) {
    const rows = await metadata.range(SPACE.rewrap, { gte, lt, limit: page })
    jobs.push(...rows.map(({ key, value }) => decodeJob(uuidFromBytes(key), value)))
    const last = rows.at(-1)
    if (rows.length < page || !last) return jobs
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}

const STATES: readonly RewrapState[] = ['running', 'paused', 'done', 'failed', 'cancelled']

function decodeJob(bucketId: string, value: Buffer): RewrapJob {
  const { json } = decode(value)
  const reencrypts = json['reencrypts'] === undefined ? undefined : objectOf(json['reencrypts'])
  const cursor = json['cursor'] === undefined ? undefined : objectOf(json['cursor'])
  return {
    bucketId,
    bucket: text(json, 'bucket'),
    state: STATES.find((state) => state === json['state']) ?? 'failed',
    startedAtMs: number(json, 'startedAtMs'),
    ...(json['finishedAtMs'] === undefined ? {} : { finishedAtMs: number(json, 'finishedAtMs') }),
    examined: number(json, 'examined'),
    rewrapped: number(json, 'rewrapped'),
    ...(reencrypts ? { reencrypts: reencryptedFrom(reencrypts) } : {}),
    ...(json['problem'] === undefined ? {} : { problem: text(json, 'problem') }),
    ...(Array.isArray(json['refusals']) ? { refusals: json['refusals'].map(refusalFrom) } : {}),
    ...(cursor ? { cursor: { space: number(cursor, 'space'), after: text(cursor, 'after') } } : {}),
  }
}

/** Earlier releases did not count what is damaged. */
const reencryptedFrom = (json: Parameters<typeof number>[0]): Reencrypted => ({
  versions: number(json, 'versions'),
  bytes: number(json, 'bytes'),
  damaged: json['damaged'] === undefined ? 0 : number(json, 'damaged'),
})

function refusalFrom(item: unknown): KeyRefusal {
  const json = objectOf(item)
  return { rootKeyCrn: text(json, 'rootKeyCrn'), problem: text(json, 'problem') }
}
