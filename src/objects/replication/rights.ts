import type { Tag } from '../object-properties.ts'

/** Of an object, what it takes to read it where it is, or to write it in another bucket of this store. */
export interface ObjectUse {
  readonly action: `s3:${string}`
  /** `undenied`: S3 asks replication for rights of its own, not for this one; yet whom a statement denies it does not get round that. */
  readonly must: 'be allowed' | 'be undenied'
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
  /** What headers would say of what is written, and its tags. */
  readonly said?: Readonly<Record<string, string>>
  readonly requestTags?: readonly Tag[]
}

/** The key that a rule names for what comes to this bucket. */
export interface RootKeyUse {
  readonly rootKeyCrn: string
  readonly bucket: string
}

export type ReplicationUse = ObjectUse | RootKeyUse

/** May whoever ordered a replication do this, as things are now? Throws NoSuchBucket. */
export type ReplicationRights = (orderedBy: string, use: ReplicationUse) => Promise<boolean>
