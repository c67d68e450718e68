import type { Clock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import type { Serial } from '../base/serial.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import type { ClassedBlobStore } from '../storage/blob/classed-store.ts'
import type { Configurations } from './bucket-configurations.ts'
import type { Documents } from './bucket-documents.ts'
import type { Buckets } from './buckets.ts'
import type { Damage } from './damage.ts'
import type { Deregistrations } from './deregistrations.ts'
import type { Drafts } from './drafts.ts'
import type { Garbage } from './garbage.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { Quotas } from './quotas.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { Replications } from './replication/replications.ts'
import type { RowCache } from './row-cache.ts'
import type { VersionOrders } from './version-id.ts'

/** What every part of the object engine works with. Which key provider it is, it never learns. */
export interface Engine {
  readonly metadata: RowCache
  readonly blobs: ClassedBlobStore
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly clock: Clock
  readonly buckets: Buckets
  /** One change of what a bucket's name stands for, and of where that is registered, at a time. */
  readonly byName: Serial
  readonly configurations: Configurations
  readonly documents: Documents
  readonly quotas: Quotas
  readonly garbage: Omit<Garbage, 'figures'>
  readonly deregistrations: Deregistrations
  readonly drafts: Drafts
  readonly readAhead: ReadAhead
  readonly damage: Damage
  readonly orders: VersionOrders
  readonly notifications: Notifications
  readonly replications: Replications
  /** Every part of an upload but the last has at least so many bytes. */
  readonly minPartBytes: number
}

/** The row that keeps a blob from the sweep; written in the same commit as the row that names the blob. */
export interface BlobOwner {
  readonly space: number
  readonly key: Buffer
}

export const encodeOwner = (owner: BlobOwner): Buffer => Buffer.concat([Buffer.from([owner.space]), owner.key])
