import type { Clock } from '../../base/clock.ts'
import type { Bucket } from '../buckets.ts'
import { ObjectsError } from '../errors.ts'
import { type KeyState, newestOrder } from '../key-versions.ts'
import { orderOf } from '../version-id.ts'

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

/**
 * Where it lies among the versions of its key. Undefined: its id is none that a version here can have, and it gets one of its
 * own.
 */
export function orderOfReplica(
  { clock }: { readonly clock: Clock },
  { versionId }: ReplicaOf,
  state: KeyState,
): bigint | undefined {
  const order = orderOf(versionId)
  if (order === undefined || order > BigInt(clock.now() + AHEAD_MS) << BITS) return undefined
  const newest = newestOrder(state)
  return order < newest || order >= newest + 2n ? order : undefined
}
