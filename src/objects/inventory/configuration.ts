import type { Json } from '../bucket-document.ts'

/** Columns that a report can have beside bucket, key and version. */
export const INVENTORY_FIELDS = [
  'Size',
  'LastModifiedDate',
  'ETag',
  'StorageClass',
  'IsMultipartUploaded',
  'ChecksumAlgorithm',
  'ObjectOwner',
  'ReplicationStatus',
] as const
export type InventoryField = (typeof INVENTORY_FIELDS)[number]

/** A report of all that is in a bucket, made again and again. */
export type InventoryConfiguration = {
  readonly id: string
  readonly enabled: boolean
  readonly targetBucket: string
  readonly targetPrefix?: string
  /** As the client gave it. */
  readonly accountId?: string
  /** Only keys that begin so. */
  readonly prefix?: string
  readonly versions: 'All' | 'Current'
  readonly frequency: 'Daily' | 'Weekly'
  readonly fields: readonly InventoryField[]
}

/** What is stored was written as a list of them, and its row authenticated. */
export const inventoriesFrom = (document: Json | undefined): readonly InventoryConfiguration[] =>
  (document as readonly InventoryConfiguration[] | undefined) ?? []
