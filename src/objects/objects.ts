import type { Clock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import { createSerial } from '../base/serial.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import { noAudit } from '../observe/audit-trail.ts'
import type { Metric } from '../observe/metrics.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { classedStore } from '../storage/blob/classed-store.ts'
import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import type { Generations } from '../storage/metadata/generations.ts'
import type { MetadataStore, Space } from '../storage/metadata/metadata-store.ts'
import { type AccessLogOptions, type AccessLogs, DEFAULT_ACCESS_LOGS, openAccessLogs } from './access-logs.ts'
import type { BucketConfiguration, BucketSettings } from './bucket-configuration.ts'
import { openConfigurations } from './bucket-configurations.ts'
import { openDocuments } from './bucket-documents.ts'
import { type BucketKeys, bucketKeys } from './bucket-keys.ts'
import { reopenBuckets } from './bucket-lifecycle.ts'
import { type Bucket, currentOf, openBuckets } from './buckets.ts'
import { damageBook } from './damage.ts'
import { type Asker, type DataKeyAudit, storeItself } from './data-key-audit.ts'
import { openDeregistrations } from './deregistrations.ts'
import { openDrafts } from './drafts.ts'
import type { Engine } from './engine.ts'
import { storeMetrics, threadMetrics } from './engine-metrics.ts'
import { type EnvelopeFacts, envelopeFacts } from './envelope-facts.ts'
import type { VersionTarget } from './find-version.ts'
import { followRows } from './follow-rows.ts'
import { type Garbage, type OtherReaders, openGarbage } from './garbage.ts'
import { type Inventories, openInventories } from './inventory/inventories.ts'
import { type BucketKeyState, type KeyChecks, openKeyChecks } from './key-checks.ts'
import { bucketUsage, type EncryptionUsage, encryptionUsage, type KeyUsage, keyUsage } from './key-usage.ts'
import { findWitnesses } from './key-witness.ts'
import { SPACE } from './keyspace.ts'
import { DEFAULT_LIFECYCLE, type Lifecycle, type LifecycleOptions, openLifecycle } from './lifecycle/lifecycle.ts'
import { type NotificationOptions, openNotifications } from './notifications/notifications.ts'
import { openQuotas } from './quotas.ts'
import { readAhead } from './read-ahead.ts'
import { ensureCounted, type Recount, recount } from './recount.ts'
import { replicationDelivery } from './replication/deliver.ts'
import { openReplications, REPLICATION, type ReplicationOptions } from './replication/replications.ts'
import { DEFAULT_REWRAP, openRewraps, type RewrapOptions, type Rewraps } from './rewraps.ts'
import { rowCache } from './row-cache.ts'
import { type ObjectsService, objectsService } from './service.ts'
import { openLease, sealLease, sweep } from './sweep.ts'
import type { Totals } from './usage.ts'
import { DEFAULT_SCRUB, openScrub, type Scrub, type ScrubOptions } from './verify/scrub.ts'
import { type VersionTotals, versionTotals } from './version-counts.ts'
import { versionOrders } from './version-id.ts'

export type { ObjectsService } from './service.ts'

/** Beside what it serves, which is then for the store itself. */
export interface Objects extends ObjectsService {
  /** What data keys are used for is recorded as done for this asker. One for each request. */
  readonly onBehalfOf: (asker: Asker) => ObjectsService
  /** What a root key is used for, exactly and at once: nothing at all means that it may go. */
  readonly keyUsage: (rootKeyCrn: string) => Promise<KeyUsage>
  readonly bucketUsage: (bucket: Bucket) => Promise<Totals>
  readonly envelopeFacts: (target: VersionTarget) => Promise<EnvelopeFacts>
  readonly encryptionUsage: (buckets: readonly Bucket[]) => Promise<EncryptionUsage>
  readonly versionTotals: (bucket: Bucket) => Promise<VersionTotals>
  readonly configurationOf: (bucket: Pick<Bucket, 'id'>) => BucketConfiguration
  /** Atomic, and durable when it resolves; `next` may throw. Every request after that sees it. */
  readonly configure: (
    bucket: Bucket,
    next: (now: BucketConfiguration) => BucketSettings,
  ) => Promise<BucketConfiguration>
  /** Compares the counters behind the two with all records there are; mends them when asked to. */
  readonly recount: (options?: { readonly repair?: boolean }) => Promise<Recount>
  readonly rewraps: Omit<Rewraps, 'entry' | 'outdated' | 'close'>
  readonly keyChecks: Omit<KeyChecks, 'close'>
  readonly lifecycle: Omit<Lifecycle, 'close'>
  readonly accessLogs: Omit<AccessLogs, 'close'>
  readonly inventories: Omit<Inventories, 'close'>
  readonly scrub: Omit<Scrub, 'close'>
  readonly garbage: Pick<Garbage, 'settled' | 'hold'>
  readonly elsewhere: Elsewhere
  /** Resolves when what earlier runs left behind is removed. */
  readonly swept: Promise<void>
  /** Of this thread; others have theirs. */
  readonly threadMetrics: () => readonly Metric[]
  readonly storeMetrics: () => Promise<readonly Metric[]>
  readonly close: () => Promise<void>
}

export interface ObjectsOptions {
  /** Already sealing its values. */
  readonly metadata: MetadataStore
  readonly blobs: BlobStore
  /** Stores of further storage classes than STANDARD, by the name of the class; under the same lease. */
  readonly storageClasses?: ReadonlyMap<string, BlobStore>
  readonly provider: KeyProvider
  readonly nonces: NonceSource
  readonly clock: Clock
  /** Told of every use of a data key. Default: nobody. */
  readonly audit?: DataKeyAudit
  /** Work behind the scenes (collector, sweep) that failed; it is tried again at the next occasion. */
  readonly onBackgroundError: (error: unknown) => void
  /** Of every part of an upload but the last. S3: 5 MiB. */
  readonly minPartBytes?: number
  /** How many reads at a time may hold more than a segment in memory. */
  readonly maxReadAheads?: number
  /** Rows have been lost, and with them what tells orphans from data: no blob is looked for that no row names. */
  readonly keepOrphans?: boolean
  readonly rewrap?: Partial<RewrapOptions>
  readonly lifecycle?: Partial<LifecycleOptions>
  readonly accessLogs?: Partial<AccessLogOptions>
  /** Default: nothing is looked through unless it is asked for. */
  readonly scrub?: Partial<ScrubOptions>
  /** Default: nobody is told of anything. */
  readonly notifications?: NotificationOptions
  /** Where versions can be replicated to, beside other buckets of this store. */
  readonly replication?: ReplicationOptions
  /** How often the keys of all buckets are checked, from the start on. Default: only before they wrap. */
  readonly keyCheckMs?: number
  /** The keys of a bucket became wrong, or right again. */
  readonly onKeyChange?: (state: BucketKeyState) => void
  /** Other threads of this process that serve the same store (following-objects.ts). Default: there are none. */
  readonly threads?: OwnerThreads
}

/** What the thread that owns a store shares with those that follow it. */
export interface OwnerThreads {
  readonly generations: Generations
  readonly orderMemory: SharedArrayBuffer
  readonly sequencerMemory: SharedArrayBuffer
  readonly readers: OtherReaders
  /** Is it the lease of another thread? */
  readonly isRunning: (lease: string) => boolean
}

/** What other threads tell the one that owns the store. */
export interface Elsewhere {
  /** Rows of these spaces were committed there. */
  readonly committed: (spaces: ReadonlySet<Space>) => void
  /** These rows changed. */
  readonly follow: (rows: readonly ChangedRow[]) => Promise<void>
  readonly outdated: Rewraps['outdated']
  readonly recount: () => void
}

export const MIN_PART_BYTES = 5 * 1024 ** 2
/** Each holds two reads of 256 KiB and a segment on its way out: 40 MiB in all. */
export const MAX_READ_AHEADS = 64

const damagedBucket = (name: string, cause: unknown): Error =>
  new Error(`the record of the bucket ${name} is damaged: it is refused until it is restored from a backup`, { cause })

export async function openObjects(options: ObjectsOptions): Promise<Objects> {
  const {
    provider,
    nonces,
    clock,
    audit = noAudit,
    onBackgroundError,
    minPartBytes = MIN_PART_BYTES,
    maxReadAheads = MAX_READ_AHEADS,
    keepOrphans = false,
    rewrap = {},
    lifecycle: lifecycleOptions = {},
    accessLogs: accessLogOptions = {},
    scrub: scrubOptions = {},
    keyCheckMs,
    onKeyChange = () => {},
  } = options
  const { threads } = options
  const metadata = rowCache(options.metadata, threads?.generations)
  const blobs = classedStore(options.blobs, options.storageClasses)
  await ensureCounted(metadata)
  const buckets = await openBuckets(metadata, (name, cause) => onBackgroundError(damagedBucket(name, cause)))
  const configurations = await openConfigurations(metadata, buckets, clock, (id, cause) =>
    onBackgroundError(
      new Error(`the configuration of the bucket with id ${id} is damaged: the bucket is refused`, { cause }),
    ),
  )
  const documents = await openDocuments(metadata, buckets, (id, kind, cause) =>
    onBackgroundError(new Error(`the document ${kind} of the bucket with id ${id} is damaged`, { cause })),
  )
  const garbage = openGarbage(metadata, blobs, clock, onBackgroundError, threads?.readers)
  // Two DeleteBuckets would take the mark from each other and neither get through; and a bucket's registration at its
  // root key must not end after that of the next bucket of the same name began.
  const byName = createSerial()
  const deregistrations = openDeregistrations({ metadata, provider, buckets, byName, onError: onBackgroundError })
  const orders = versionOrders(clock, threads?.orderMemory)
  const engine: Engine = {
    metadata,
    blobs,
    provider,
    nonces,
    clock,
    buckets,
    byName,
    configurations,
    documents,
    quotas: openQuotas(metadata, configurations),
    garbage,
    deregistrations,
    drafts: openDrafts(blobs),
    readAhead: readAhead(maxReadAheads),
    damage: damageBook(metadata, onBackgroundError),
    orders,
    notifications: await openNotifications({
      ...{ metadata, documents, clock },
      settings: options.notifications,
      sequencerMemory: threads?.sequencerMemory,
      onError: onBackgroundError,
    }),
    replications: await openReplications({
      ...{ metadata, documents, orders, clock },
      settings: options.replication,
      onError: onBackgroundError,
    }),
    minPartBytes,
  }
  await reopenBuckets(engine)
  await openLease(metadata, blobs.lease)
  const stop = new AbortController()
  const sweeping = keepOrphans ? Promise.resolve() : sweep(metadata, blobs, stop.signal, threads?.isRunning)
  const settled = keepOrphans ? Promise.resolve() : deregistrations.retry()
  const swept = Promise.all([sweeping.then(() => undefined, onBackgroundError).then(garbage.collect), settled]).then(
    () => undefined,
  )

  let isSwept = false
  void swept.then(() => {
    isSwept = true
  })

  // Keys are checked before what rewraps them is there.
  const opened = Promise.withResolvers<Rewraps>()
  const outdated: Rewraps['outdated'] = (...about) => void opened.promise.then((open) => open.outdated(...about))
  const keyChecks = openKeyChecks({
    provider,
    buckets,
    byName,
    clock,
    witnesses: (bucketId, slot, limit) => findWitnesses(metadata, bucketId, slot, limit),
    keyCheckMs,
    onKeyChange,
    onOutdated: (bucket, rootKeyCrn, keyVersion) => outdated(bucket.id, rootKeyCrn, keyVersion),
    onError: onBackgroundError,
  })
  const { proofs } = keyChecks
  const keysFor = (asker: Asker, trail: DataKeyAudit = audit): BucketKeys =>
    bucketKeys(
      {
        provider,
        nonces,
        audit: trail,
        proofs,
        current: currentOf(buckets),
        onOutdated: ({ bucketId, slot }, keyVersion) => outdated(bucketId, slot.rootKeyCrn, keyVersion),
      },
      asker,
    )
  const rewraps = await openRewraps({
    engine,
    keys: keysFor(storeItself('store.rewrap')),
    reencryptKeys: keysFor(storeItself('store.reencrypt')),
    byName,
    settings: { ...DEFAULT_REWRAP, ...rewrap },
    onError: onBackgroundError,
  })
  opened.resolve(rewraps)
  const lifecycle = openLifecycle({
    engine,
    keys: keysFor(storeItself('store.lifecycle')),
    settings: { ...DEFAULT_LIFECYCLE, ...lifecycleOptions },
    onError: onBackgroundError,
  })
  const accessLogs = openAccessLogs({
    engine,
    keys: keysFor(storeItself('store.access-log')),
    settings: { ...DEFAULT_ACCESS_LOGS, ...accessLogOptions },
    onError: onBackgroundError,
  })
  engine.notifications.start()
  engine.replications.start(replicationDelivery(engine, keysFor(storeItself(REPLICATION)), options.replication))
  const inventories = openInventories({
    ...{ engine, keys: keysFor(storeItself('store.inventory')) },
    onError: onBackgroundError,
  })
  const scrub = await openScrub({
    ...{ engine, clock, onError: onBackgroundError },
    keysFor: (trail) => keysFor(storeItself('store.scrub'), trail(audit)),
    settings: { ...DEFAULT_SCRUB, intervalMs: 0, ...scrubOptions },
  })
  const parts = { engine, keysFor, beginRewrap: rewraps.beginWith }
  const onBehalfOf = (asker: Asker): ObjectsService => objectsService(parts, asker)

  return {
    ...onBehalfOf(storeItself('store.call')),
    onBehalfOf,
    keyUsage: (rootKeyCrn) => keyUsage(engine, rootKeyCrn),
    bucketUsage: (bucket) => bucketUsage(engine, bucket),
    envelopeFacts: (target) => envelopeFacts(engine, target),
    encryptionUsage: (of) => encryptionUsage(engine, of),
    versionTotals: ({ id }) => versionTotals(metadata, id),
    configurationOf: configurations.of,
    configure: (bucket, next) => byName.run(bucket.name, () => configurations.change(bucket, next)),
    recount: (options) => recount(metadata, options),
    rewraps,
    keyChecks,
    lifecycle,
    accessLogs,
    inventories,
    scrub,
    garbage,
    elsewhere: {
      committed: (spaces) => {
        if (spaces.has(SPACE.garbage)) garbage.collect()
        if (spaces.has(SPACE.notification)) engine.notifications.wake()
        if (spaces.has(SPACE.replication)) engine.replications.wake()
      },
      follow: (rows) => followRows(engine, rows),
      outdated,
      recount: engine.damage.recount,
    },
    swept,
    threadMetrics: () => threadMetrics({ ...engine, rows: metadata }),
    storeMetrics: () => storeMetrics({ engine, garbage, rewraps, accessLogs, isSwept: () => isSwept }),
    close: async () => {
      stop.abort()
      await scrub.close()
      await lifecycle.close()
      await inventories.close()
      await engine.notifications.close()
      await engine.replications.close()
      await accessLogs.close()
      await rewraps.close()
      await keyChecks.close()
      await deregistrations.close()
      await swept
      await engine.damage.settled()
      await garbage.close()
      // Orphans of a sealed lease are looked for never more.
      if (engine.drafts.end() && !keepOrphans) await sealLease(metadata, blobs.lease)
    },
  }
}
