import type { Manifest } from '../content.ts'
import type { Algorithm } from '../encrypting.ts'
import type { ObjectLock, Tag } from '../object-properties.ts'
import type { ReplicationDestination } from './configuration.ts'
import type { SealedReplica } from './sealed-format.ts'
import type { Aspect } from './status.ts'

/** What may change of a version after it was replicated. */
export interface ReplicaProperties {
  readonly key: string
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
  /** Of the bucket that it comes from. */
  readonly account: string
}

/** Of a version that is there, by now. */
export interface ReplicaChange extends ReplicaProperties {
  /** Nothing else is to be touched: it may be what the destination's owner has made of it. */
  readonly changed: readonly Aspect[]
  /** It is held there, and was not before it was so here. */
  readonly held: boolean
}

/** A version on its way. */
export interface Replica extends ReplicaProperties {
  readonly versionId: string
  readonly modifiedAtMs: number
  readonly manifest: Manifest
  readonly algorithm: Algorithm
  readonly storageClass: string | undefined
  /** As the bucket has it sealed. Throws ReplicaRefused. */
  readonly sealed: () => Promise<SealedReplica>
  /** Verified plaintext. */
  readonly read: (range: { readonly start: number; readonly end: number }) => AsyncIterable<Buffer>
}

export interface ReplicaMarker {
  readonly key: string
  readonly versionId: string
  readonly modifiedAtMs: number
}

/** Who takes replicas. What comes twice is taken once, where versions keep their ids. */
export interface ReplicationTarget {
  /** Versions keep their ids, and with them their places among each other, in whatever order they come. */
  readonly keepsIds: boolean
  /** Resolves to the version's id there, '' where there are no versions, once it is durable. */
  readonly put: (replica: Replica, to: ReplicationDestination, signal: AbortSignal) => Promise<string>
  readonly putMarker: (marker: ReplicaMarker, to: ReplicationDestination, signal: AbortSignal) => Promise<void>
  /** Of the version that `put` resolved to. One that is not there any more changes nothing. Resolves to `held` as it is then. */
  readonly change: (
    versionId: string,
    change: ReplicaChange,
    to: ReplicationDestination,
    signal: AbortSignal,
  ) => Promise<boolean>
  /** Will it go on like this until somebody sees to it? */
  readonly isRefusal: (error: unknown) => boolean
}
