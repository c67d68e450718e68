import type { Clock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import { createSerial } from '../base/serial.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import type { Metric } from '../observe/metrics.ts'
import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import { classedStore } from '../storage/blob/classed-store.ts'
import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import type { Generations } from '../storage/metadata/generations.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { loggingOf } from './access-log-target.ts'
import type { AccessLogs } from './access-logs.ts'
import { type Configurations, openConfigurations } from './bucket-configurations.ts'
import { openDocuments } from './bucket-documents.ts'
import { type BucketKeys, bucketKeys } from './bucket-keys.ts'
import { currentOf, openBuckets } from './buckets.ts'
import { type Damage, damageBook } from './damage.ts'
import { type Asker, type DataKeyAudit, storeItself } from './data-key-audit.ts'
import { openDeregistrations } from './deregistrations.ts'
import { openDrafts } from './drafts.ts'
import type { Engine } from './engine.ts'
import { threadMetrics } from './engine-metrics.ts'
import { ObjectsError } from './errors.ts'
import { followRows } from './follow-rows.ts'
import { type Garbage, garbageEntry } from './garbage.ts'
import { openKeyChecks } from './key-checks.ts'
import { findWitnesses } from './key-witness.ts'
import { type NotificationOptions, openNotifications } from './notifications/notifications.ts'
import { MAX_READ_AHEADS, MIN_PART_BYTES, type Objects } from './objects.ts'
import { pinning } from './pinning.ts'
import type { Quotas } from './quotas.ts'
import { readAhead } from './read-ahead.ts'
import { openReplications, type ReplicationOptions } from './replication/replications.ts'
import type { Rewraps } from './rewraps.ts'
import { rowCache } from './row-cache.ts'
import { objectsService } from './service.ts'
import type { SharedPins } from './shared-pins.ts'
import { openLease, sealLease } from './sweep.ts'
import { versionOrders } from './version-id.ts'

export interface FollowingOptions {
  /** Already sealing its values. Its commits are decided by the thread that owns the store. */
  readonly metadata: MetadataStore
  /** Under a lease of this thread alone. */
  readonly blobs: BlobStore
  readonly storageClasses: ReadonlyMap<string, BlobStore>
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly clock: Clock
  readonly audit: DataKeyAudit
  readonly onBackgroundError: (error: unknown) => void
  readonly notifications: NotificationOptions | undefined
  readonly replication: ReplicationOptions | undefined
  readonly generations: Generations
  readonly orderMemory: SharedArrayBuffer
  readonly sequencerMemory: SharedArrayBuffer
  readonly pins: SharedPins
  readonly owner: Owner
  /** As of ObjectsOptions. */
  readonly keepOrphans: boolean
}

/** What a following thread leaves to the one that owns the store. */
export interface Owner {
  /** The keys of a bucket became wrong here, or right. */
  readonly keyChanged: (rootKeyCrn: string) => void
  readonly outdated: Rewraps['outdated']
  readonly recount: () => void
  readonly accessLine: (bucketId: string, line: string, timeMs: number) => void
}

/** The engine in a thread that follows the one that owns the store: it serves objects, and does nothing by itself. */
export interface FollowingObjects
  extends Pick<Objects, 'buckets' | 'onBehalfOf' | 'configurationOf' | 'document' | 'known'> {
  readonly accessLogs: Pick<AccessLogs, 'target' | 'add'>
  /** Takes in what was committed by any thread. */
  readonly follow: (rows: readonly ChangedRow[]) => Promise<void>
  /** Resolves when what was looked up before is pinned. */
  readonly lookedUp: () => Promise<void>
  /** What is known of a root key may not hold any more. */
  readonly doubt: (rootKeyCrn: string) => void
  readonly lease: string
  readonly remove: BlobStore['remove']
  readonly letGo: (ids: readonly BlobId[]) => void
  readonly metrics: () => readonly Metric[]
  readonly close: () => Promise<void>
}

export async function openFollowingObjects(options: FollowingOptions): Promise<FollowingObjects> {
  const { provider, nonces, clock, audit, onBackgroundError, owner } = options
  const metadata = rowCache(options.metadata, options.generations)
  const blobs = classedStore(options.blobs, options.storageClasses)
  // What is damaged was told of by the thread that owns the store.
  const buckets = await openBuckets(metadata)
  const configurations = await openConfigurations(metadata, buckets, clock)
  const documents = await openDocuments(metadata, buckets)
  const byName = createSerial()
  const orders = versionOrders(clock, options.orderMemory)
  const lookups = pinning(options.pins.hold)
  const queues = { metadata, documents, orders, clock, onError: onBackgroundError }
  const engine: Engine = {
    ...{ metadata, blobs, provider, nonces, clock, buckets, byName, configurations, documents },
    quotas: followingQuotas(configurations),
    garbage: followingGarbage(clock, lookups.pin),
    deregistrations: openDeregistrations({ metadata, provider, buckets, byName, onError: onBackgroundError }),
    drafts: openDrafts(blobs),
    readAhead: readAhead(MAX_READ_AHEADS),
    damage: followingDamage(metadata, onBackgroundError, owner),
    orders,
    // Whoever owns the store sees what is committed, and wakes.
    notifications: {
      ...(await openNotifications({
        ...queues,
        settings: options.notifications,
        sequencerMemory: options.sequencerMemory,
      })),
      wake: () => {},
    },
    replications: { ...(await openReplications({ ...queues, settings: options.replication })), wake: () => {} },
    minPartBytes: MIN_PART_BYTES,
  }
  await openLease(metadata, blobs.lease)
  const keyChecks = openKeyChecks({
    ...{ provider, buckets, byName, clock, keyCheckMs: undefined, onError: onBackgroundError },
    witnesses: (bucketId, slot, limit) => findWitnesses(metadata, bucketId, slot, limit),
    onKeyChange: ({ keys }) => {
      for (const { rootKeyCrn } of keys) owner.keyChanged(rootKeyCrn)
    },
    onOutdated: ({ id }, rootKeyCrn, keyVersion) => owner.outdated(id, rootKeyCrn, keyVersion),
  })
  const keysFor = (asker: Asker): BucketKeys =>
    bucketKeys(
      {
        ...{ provider, nonces, audit, proofs: keyChecks.proofs, current: currentOf(buckets) },
        onOutdated: ({ bucketId, slot }, keyVersion) => owner.outdated(bucketId, slot.rootKeyCrn, keyVersion),
      },
      asker,
    )
  const parts = { engine, keysFor, beginRewrap: notHere }
  const onBehalfOf = (asker: Asker) => objectsService(parts, asker)
  return {
    ...onBehalfOf(storeItself('store.call')),
    onBehalfOf,
    configurationOf: configurations.of,
    accessLogs: {
      target: (bucket) => loggingOf(documents, bucket),
      add: ({ id }, line, timeMs) => owner.accessLine(id, line, timeMs),
    },
    follow: (rows) => followRows(engine, rows),
    lookedUp: lookups.settled,
    doubt: keyChecks.doubt,
    lease: blobs.lease,
    remove: blobs.remove,
    letGo: (ids) => blobs.letGo?.(ids),
    metrics: () => threadMetrics({ ...engine, rows: metadata }),
    close: async () => {
      await engine.notifications.close()
      await engine.replications.close()
      await keyChecks.close()
      await engine.deregistrations.close()
      if (engine.drafts.end() && !options.keepOrphans) await sealLease(metadata, blobs.lease)
    },
  }
}

const notHere = async (): Promise<never> => {
  throw new ObjectsError('BucketBusy', 'this is done by the thread that owns the store')
}

/** The owner collects what is committed. */
const followingGarbage = (clock: Clock, pin: Garbage['pin']): Engine['garbage'] => ({
  entry: (record) => garbageEntry(clock, record),
  collect: () => {},
  settled: async () => {},
  hold: async () => ({ [Symbol.dispose]: () => {} }),
  pin,
  close: async () => {},
})

/**
 * What is about to be added is counted in one place, and what a bucket with a quota takes is written there. Only what began before
 * the bucket had one comes here: sent again, it goes there.
 */
const followingQuotas = (configurations: Pick<Configurations, 'of'>): Quotas => ({
  reserve: async (bucket, _key, _state, addedBytes) => {
    if (addedBytes > 0 && configurations.of(bucket).hardQuotaBytes !== undefined) {
      throw new ObjectsError('BucketBusy', 'The bucket was given a hard quota meanwhile. Try again.')
    }
    return { [Symbol.dispose]: () => {} }
  },
  foresee: async () => {},
})

const followingDamage = (metadata: MetadataStore, onError: (error: unknown) => void, owner: Owner): Damage => ({
  ...damageBook(metadata, onError),
  recount: owner.recount,
})
