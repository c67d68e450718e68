import { type Sighting, sightingAfter } from '../../base/clock-sighting.ts'
import { uuidToBytes } from '../../base/ids.ts'
import type { MetadataStore, Space, Write } from '../../storage/metadata/metadata-store.ts'
import { SPACE } from '../keyspace.ts'
import { decode, encode, number, objectOf, text } from '../record-codec.ts'

/** How far the latest look through a bucket got; stored, so that it goes on after a restart. */
export interface LifecycleState {
  readonly startedAtMs: number
  readonly finishedAtMs?: number
  /** All rows up to this one have been looked at. */
  readonly cursor?: { readonly space: Space; readonly after: Buffer }
}

const rowOf = (bucketId: string): Buffer => uuidToBytes(bucketId)

export function stateWrite(bucketId: string, { cursor, ...times }: LifecycleState): Write {
  const at = cursor && { space: cursor.space, after: cursor.after.toString('hex') }
  const value = encode({ ...times, ...(at ? { cursor: at } : {}) })
  return { type: 'put', space: SPACE.lifecycle, key: rowOf(bucketId), value }
}

/** Belongs into the commit that removes the bucket. */
export const endOfLifecycle = (bucketId: string): Write => ({
  ...{ type: 'delete', space: SPACE.lifecycle },
  key: rowOf(bucketId),
})

export async function readState(metadata: MetadataStore, bucketId: string): Promise<LifecycleState | undefined> {
  const row = await metadata.get(SPACE.lifecycle, rowOf(bucketId))
  if (!row) return undefined
  const { json } = decode(row.value)
  const cursor = json['cursor'] === undefined ? undefined : objectOf(json['cursor'])
  return {
    startedAtMs: number(json, 'startedAtMs'),
    ...(json['finishedAtMs'] === undefined ? {} : { finishedAtMs: number(json, 'finishedAtMs') }),
    ...(cursor ? { cursor: { space: number(cursor, 'space'), after: Buffer.from(text(cursor, 'after'), 'hex') } } : {}),
  }
}

/** Bucket ids have 16 bytes. */
const CLOCK_ROW = Buffer.from('clock', 'ascii')
/** A look is stored so often: what is doubted is a day. */
const CLOCK_STORED_MS = 3_600_000

/** Whether the clock can be trusted with deletions now. */
export async function clockIsTrusted(metadata: MetadataStore, nowMs: number): Promise<boolean> {
  const row = await metadata.get(SPACE.lifecycle, CLOCK_ROW)
  const json = row && decode(row.value).json
  const last: Sighting | undefined = json && {
    seenAt: number(json, 'seenAt'),
    ...(json['doubtedSince'] === undefined ? {} : { doubtedSince: number(json, 'doubtedSince') }),
    ...(json['believedAt'] === undefined ? {} : { believedAt: number(json, 'believedAt') }),
  }
  const seen = sightingAfter(last, nowMs)
  const changed = seen.doubtedSince !== last?.doubtedSince || Math.abs(nowMs - (last?.seenAt ?? 0)) >= CLOCK_STORED_MS
  if (changed) await metadata.commit([{ type: 'put', space: SPACE.lifecycle, key: CLOCK_ROW, value: encode(seen) }])
  return seen.doubtedSince === undefined
}
