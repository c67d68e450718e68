import type { Algorithm } from '../encrypting.ts'
import type { Retention } from '../object-lock.ts'
import type { ObjectLock, Tag } from '../object-properties.ts'

/** Of an object, what it takes to read it where it is. */
export interface ObjectReading {
  readonly action: `s3:${string}`
  readonly bucket: string
  readonly key: string
  readonly versionId: string
}

interface Identity {
  readonly versionId: string
  readonly modifiedAtMs: number
}

interface ReplicaPut {
  readonly does: 'PutObject'
  readonly replica: Identity
  /** Of the content: as its source has them. */
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock | undefined
  readonly storageClass: string | undefined
  /** As it will be done. */
  readonly algorithm: Algorithm
  readonly keyName: string | undefined
  readonly rootKeyCrn: string
}

type ReplicaChange = { readonly versionId: string } & (
  | { readonly does: 'PutObjectTagging'; readonly tags: readonly Tag[] }
  | { readonly does: 'DeleteObjectTagging' }
  | { readonly does: 'PutObjectRetention'; readonly retention: Retention; readonly bypassGovernance: boolean }
  | { readonly does: 'PutObjectLegalHold'; readonly legalHold: boolean }
)

/** What is written into a bucket of this store, by the operation of S3 whose request would do the same: it says which rights that takes. */
export type Written = ReplicaPut | { readonly does: 'DeleteObject'; readonly replica: Identity } | ReplicaChange
export type ReplicaWrite = Written & { readonly bucket: string; readonly key: string }

/** The key that a rule names for what comes to this bucket. */
export interface RootKeyUse {
  readonly rootKeyCrn: string
  readonly bucket: string
}

export type ReplicationUse = ObjectReading | ReplicaWrite | RootKeyUse

/**
 * What of this whoever ordered a replication may not do, as things are now; undefined when he may. S3 asks replication for rights of its own, not
 * for those of the operations; yet whom a statement denies these does not get round that. Throws NoSuchBucket.
 */
export type ReplicationRights = (orderedBy: string, use: ReplicationUse) => Promise<string | undefined>

/** Throws ReplicaRefused for what whoever ordered it may not do. */
export type RequireUse = (use: ReplicationUse) => Promise<void>
