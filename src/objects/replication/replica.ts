import type { Bucket } from '../buckets.ts'
import type { Engine } from '../engine.ts'
import { ObjectsError } from '../errors.ts'
import { type KeyState, newestOrder } from '../key-versions.ts'
import { SPACE, versionKey } from '../keyspace.ts'
import { decodeObject, decodeVersion, type VersionRecord } from '../records.ts'
import { atOrder, orderOf } from '../version-id.ts'

/** What a version, or a delete marker, is a copy of: it has its id and its time. */
export interface ReplicaOf {
  readonly versionId: string
  readonly modifiedAtMs: number
  /** Of a sealed replica: size of the plaintext. */
  readonly sealedSizeBytes?: number
}

/** Orders a millisecond. */
const BITS = 20n
/** A clock elsewhere may be ahead of ours so far. Later versions must have room above. */
const AHEAD_MS = 86_400_000

/** Throws ReplicaRefused: without versions one would take the place of another. */
export function assertTakesReplicas({ name, versioning }: Bucket): void {
  if (versioning === 'Enabled') return
  throw new ObjectsError('ReplicaRefused', `the bucket ${name} must have versioning enabled to take replicas`)
}

/** Places that are looked at for one whose own is taken. */
const MAX_STEPS = 64n

/** Where a replica lies among the versions of its key, and the id that says so. */
export interface ReplicaPlace {
  readonly order: bigint
  readonly versionId: string
  /** What lies there, if that is this very replica. */
  readonly there?: VersionRecord
}

/**
 * Undefined: its id is none that a version here can have, and it gets one of its own. Where another writer has given the
 * same order, the random half of the ids decides which of the two is newer, here as there, and it lies right beside it.
 */
export async function placeOfReplica(
  { clock, metadata }: Pick<Engine, 'clock' | 'metadata'>,
  bucket: Bucket,
  key: string,
  { versionId }: ReplicaOf,
  state: KeyState,
): Promise<ReplicaPlace | undefined> {
  const own = orderOf(versionId)
  if (own === undefined || own > BigInt(clock.now() + AHEAD_MS) << BITS) return undefined
  const head = state.head && decodeObject(state.head.value)
  const at = async (order: bigint): Promise<VersionRecord | undefined> => {
    if (head && orderOf(head.versionId) === order) return head
    const row = await metadata.get(SPACE.version, versionKey(bucket.id, key, order))
    return row && decodeVersion(row.value)
  }
  const other = await at(own)
  const newest = newestOrder(state)
  if (!other) return own < newest || own >= newest + 2n ? { order: own, versionId } : undefined
  const step = randomHalf(versionId) > randomHalf(other.versionId) ? 2n : -2n
  for (let steps = 0n; steps < MAX_STEPS; steps++) {
    const order = own + step * steps
    const id = atOrder(versionId, order)
    const there = await at(order)
    if (!there) return { order, versionId: id }
    if (there.versionId === id) return { order, versionId: id, there }
  }
  return undefined
}

const randomHalf = (versionId: string): string => Buffer.from(versionId, 'base64url').toString('hex', 8)
