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
