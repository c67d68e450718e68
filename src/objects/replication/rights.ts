/** What it takes: to read what goes, and to write it in another bucket of this store. */
export interface ReplicationUse {
  readonly action: 's3:GetObjectVersionForReplication' | 's3:ReplicateObject' | 's3:ReplicateDelete'
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
}

/** May whoever ordered a replication do this, as things are now? Throws NoSuchBucket. */
export type ReplicationRights = (orderedBy: string, use: ReplicationUse) => Promise<boolean>
