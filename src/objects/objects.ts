import type { Clock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import { createSerial } from '../base/serial.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import { noAudit } from '../observe/audit-trail.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { classedStore } from '../storage/blob/classed-store.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { type AccessLogOptions, type AccessLogs, DEFAULT_ACCESS_LOGS, openAccessLogs } from './access-logs.ts'
import { type AppendInput, appendObject } from './append-object.ts'
import type { BodyInput } from './body-writer.ts'
import type { BucketConfiguration, BucketSettings } from './bucket-configuration.ts'
import { openConfigurations } from './bucket-configurations.ts'
import type { DocumentKind, Json } from './bucket-document.ts'
import { openDocuments } from './bucket-documents.ts'
import { type BucketKeys, bucketKeys } from './bucket-keys.ts'
import { createBucket, deleteBucket, type NewBucket, reopenBuckets } from './bucket-lifecycle.ts'
import { type Bucket, type Buckets, currentOf, openBuckets } from './buckets.ts'
import { changeProperties, type KnownObject, knownObject } from './change-properties.ts'
import { sameBucket } from './commit-version.ts'
import { type CompletedObject, type CompleteInput, completeUpload } from './complete-upload.ts'
import type { Attributes } from './content.ts'
import { damageBook } from './damage.ts'
import { type Asker, type DataKeyAudit, storeItself } from './data-key-audit.ts'
import { type Deleted, type DeleteTarget, deleteObject } from './delete-object.ts'
import { openDeregistrations } from './deregistrations.ts'
import { openDrafts } from './drafts.ts'
import type { Encrypting } from './encrypting.ts'
import type { Engine } from './engine.ts'
import type { ChangeTarget, VersionTarget } from './find-version.ts'
import { type Garbage, openGarbage } from './garbage.ts'
import { type Inventories, openInventories } from './inventory/inventories.ts'
import { type BucketKeyState, type KeyChecks, openKeyChecks } from './key-checks.ts'
import { bucketUsage, type KeyUsage, keyUsage } from './key-usage.ts'
import { findWitnesses } from './key-witness.ts'
import { DEFAULT_LIFECYCLE, type Lifecycle, type LifecycleOptions, openLifecycle } from './lifecycle/lifecycle.ts'
import { type ListVersionsQuery, listVersions, type VersionsPage } from './list-versions.ts'
import {
  type ListedObject,
  type ListPage,
  type ListQuery,
  type ListUploadsQuery,
  listObjects,
  listUploads,
} from './listing.ts'
import { changeHold, extendRetention, type RetentionChange, setLegalHold, setRetention } from './lock-object.ts'
import { type MoveTo, moveBucket } from './move-bucket.ts'
import { changeNotifications } from './notifications/change.ts'
import type { NotificationConfiguration } from './notifications/configuration.ts'
import { type NotificationOptions, openNotifications } from './notifications/notifications.ts'
import type { ObjectProperties } from './object-properties.ts'
import { type OpenObject, type OpenOptions, openObject } from './open-object.ts'
import type { Extension } from './protection.ts'
import { type PutInput, type PutResult, putObject } from './put-object.ts'
import { openQuotas } from './quotas.ts'
import { readAhead } from './read-ahead.ts'
import type { Initiator, Versioning } from './records.ts'
import { ensureCounted, type Recount, recount } from './recount.ts'
import { type RenameInput, renameObject } from './rename-object.ts'
import { keepKeys } from './renew-registrations.ts'
import { replicationDelivery } from './replication/deliver.ts'
import { openReplications, REPLICATION, type ReplicationOptions } from './replication/replications.ts'
import { DEFAULT_REWRAP, openRewraps, type RewrapOptions, type Rewraps } from './rewraps.ts'
import { rowCache } from './row-cache.ts'
import { setVersioning } from './set-versioning.ts'
import { openLease, sealLease, sweep } from './sweep.ts'
import { type EncryptionUpdate, updateEncryption } from './update-encryption.ts'
import { type SaidOfUpload, saidOfUpload } from './upload-said.ts'
import {
  abortUpload,
  type CreatedUpload,
  createUpload,
  findUpload,
  type ListedUpload,
  partsAfter,
  type Upload,
  type UploadChecksum,
  type UploadedPart,
  uploadPart,
} from './uploads.ts'
import type { Totals } from './usage.ts'
import { DEFAULT_SCRUB, openScrub, type Scrub, type ScrubOptions } from './verify/scrub.ts'
import { type VersionTotals, versionTotals } from './version-counts.ts'
import { versionOrders } from './version-id.ts'

interface Target {
  readonly bucket: Bucket
  readonly key: string
}

/**
 * The object engine: what every protocol serves, for one asker. Throws ObjectsError, the key provider's five codes and
 * AuditUnavailable.
 */
export interface ObjectsService {
  readonly buckets: Pick<Buckets, 'find' | 'get' | 'all' | 'damaged'>
  readonly createBucket: (input: NewBucket) => Promise<Bucket>
  readonly deleteBucket: (bucket: Bucket) => Promise<void>
  readonly put: (input: PutInput) => Promise<PutResult>
  /** Adds bytes to the end of an object. Throws InvalidWriteOffset, TooManyParts, AppendRefused. */
  readonly append: (input: AppendInput) => Promise<PutResult>
  /** Gives an object another name in its bucket. Throws NoSuchKey, RenameRefused, RenameTokenUsed. */
  readonly rename: (input: RenameInput) => Promise<void>
  readonly open: (target: VersionTarget & OpenOptions) => Promise<OpenObject>
  readonly delete: (target: DeleteTarget) => Promise<Deleted>
  readonly list: (query: ListQuery) => Promise<ListPage<ListedObject>>
  readonly listVersions: (query: ListVersionsQuery) => Promise<VersionsPage>
  /** Durable when it resolves: what is written from then on is a version, or takes the place of the null version. */
  readonly setVersioning: (bucket: Bucket, versioning: Versioning) => Promise<Bucket>
  /** Of an object version in a bucket with Object Lock. */
  readonly setRetention: (change: RetentionChange) => Promise<void>
  readonly setLegalHold: (change: ChangeTarget & { readonly legalHold: boolean }) => Promise<void>
  /** Of an object in a protected bucket. */
  readonly extendRetention: (change: ChangeTarget & { readonly by: Extension }) => Promise<void>
  readonly changeHold: (change: ChangeTarget & { readonly id: string; readonly act: 'add' | 'remove' }) => Promise<void>
  readonly createUpload: (
    target: Target & {
      readonly attributes: Attributes
      readonly checksum?: UploadChecksum
      readonly properties?: ObjectProperties
      readonly encrypting?: Encrypting
      readonly initiator?: Initiator | undefined
      /** Headers, by lower-case name, that whoever is asked about its parts may want to know. */
      readonly said?: Readonly<Record<string, string>>
    },
  ) => Promise<CreatedUpload>
  readonly findUpload: (target: Target & { readonly uploadId: string }) => Promise<Upload>
  /** Needs the root key where anything was said. */
  readonly saidOfUpload: (upload: Upload) => Promise<SaidOfUpload>
  readonly uploadPart: (upload: Upload, number: number, body: BodyInput, customerKey?: Buffer) => Promise<UploadedPart>
  readonly listParts: (upload: Upload, after: number, limit: number) => Promise<UploadedPart[]>
  readonly listUploads: (query: ListUploadsQuery) => Promise<ListPage<ListedUpload>>
  readonly completeUpload: (input: CompleteInput) => Promise<CompletedObject>
  readonly abortUpload: (target: Target & { readonly uploadId: string }) => Promise<void>
  /** Undefined when there is no such object. Needs no key, but for the tags. */
  readonly known: (target: VersionTarget) => Promise<KnownObject | undefined>
  readonly changeProperties: (
    target: ChangeTarget,
    next: (now: ObjectProperties) => ObjectProperties,
  ) => Promise<{ readonly versionId: string }>
  /** A subresource of a bucket; undefined when it was never set. */
  readonly document: (bucket: Pick<Bucket, 'id'>, kind: DocumentKind) => Json | undefined
  /** Atomic, and durable when it resolves; undefined removes it, and `next` may throw. Every request after that sees it. */
  /** The subscriptions of a bucket; each is told that it was made, unless that is not to be tested. */
  readonly changeNotifications: (
    bucket: Bucket,
    next: NotificationConfiguration | undefined,
    options?: { readonly untested?: boolean },
  ) => Promise<void>
  readonly changeDocument: (
    bucket: Bucket,
    kind: DocumentKind,
    next: (now: Json | undefined) => Json | undefined,
  ) => Promise<Json | undefined>
  /** CRN of a root key that the bucket's service may wrap with now, from one that may name it by an alias. */
  readonly findRootKey: (bucket: Pick<Bucket, 'serviceInstanceCrn'>, named: string) => Promise<string>
  /** Puts one object under another root key. Throws TooManyKeys. */
  readonly updateEncryption: (update: EncryptionUpdate) => Promise<void>
  /** Puts a bucket under another root key; what is there already is rewrapped in the background. */
  readonly moveBucket: (bucket: Bucket, to: MoveTo) => Promise<Bucket>
}

/** Beside what it serves, which is then for the store itself. */
export interface Objects extends ObjectsService {
  /** What data keys are used for is recorded as done for this asker. One for each request. */
  readonly onBehalfOf: (asker: Asker) => ObjectsService
  /** What a root key is used for, exactly and at once: nothing at all means that it may go. */
  readonly keyUsage: (rootKeyCrn: string) => Promise<KeyUsage>
  readonly bucketUsage: (bucket: Bucket) => Promise<Totals>
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
  /** Resolves when what earlier runs left behind is removed. */
  readonly swept: Promise<void>
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
}

const MIN_PART_BYTES = 5 * 1024 ** 2
/** Each holds two reads of 256 KiB and a segment on its way out: 40 MiB in all. */
const MAX_READ_AHEADS = 64

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
  const metadata = rowCache(options.metadata)
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
  const garbage = openGarbage(metadata, blobs, clock, onBackgroundError)
  // Two DeleteBuckets would take the mark from each other and neither get through; and a bucket's registration at its
  // root key must not end after that of the next bucket of the same name began.
  const byName = createSerial()
  const deregistrations = openDeregistrations({ metadata, provider, buckets, byName, onError: onBackgroundError })
  const orders = versionOrders(clock)
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
  const sweeping = keepOrphans ? Promise.resolve() : sweep(metadata, blobs, stop.signal)
  const settled = keepOrphans ? Promise.resolve() : deregistrations.retry()
  const swept = Promise.all([sweeping.then(() => undefined, onBackgroundError).then(garbage.collect), settled]).then(
    () => undefined,
  )

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
  const onBehalfOf = (asker: Asker): ObjectsService => {
    const keys = keysFor(asker)
    return {
      buckets,
      createBucket: (input) => byName.run(input.name, () => createBucket(engine, keys, input)),
      deleteBucket: (bucket) => byName.run(bucket.name, () => deleteBucket(engine, sameBucket(engine, bucket))),
      put: (input) => putObject(engine, keys, input),
      append: (input) => appendObject(engine, keys, input),
      rename: (input) => renameObject(engine, keys, input),
      open: ({ customerKey, asSealed, ...target }) => openObject(engine, keys, target, { customerKey, asSealed }),
      delete: (target) => deleteObject(engine, keys, target),
      list: (query) => listObjects(engine, keys, query),
      listVersions: (query) => listVersions(engine, keys, query),
      setVersioning: (bucket, versioning) => byName.run(bucket.name, () => setVersioning(engine, bucket, versioning)),
      setRetention: (change) => setRetention(engine, keys, change),
      setLegalHold: (change) => setLegalHold(engine, keys, change),
      extendRetention: (change) => extendRetention(engine, keys, change),
      changeHold: (change) => changeHold(engine, keys, change),
      createUpload: (target) => createUpload(engine, keys, target),
      findUpload: ({ bucket, key, uploadId }) => findUpload(engine, bucket, key, uploadId),
      saidOfUpload: (upload) => saidOfUpload(engine, keys, upload),
      uploadPart: (upload, number, body, customerKey) => uploadPart(engine, keys, upload, number, body, customerKey),
      listParts: (upload, after, limit) => partsAfter(engine, keys, upload, after, limit),
      listUploads: (query) => listUploads(engine, query),
      completeUpload: (input) => completeUpload(engine, keys, input),
      abortUpload: (target) => abortUpload(engine, target),
      known: (target) => knownObject(engine, keys, target),
      changeProperties: (target, next) => changeProperties(engine, keys, target, next),
      document: documents.get,
      changeNotifications: (bucket, next, options) =>
        byName.run(bucket.name, () => changeNotifications(engine, keys, bucket, next, options)),
      changeDocument: (bucket, kind, next) =>
        byName.run(bucket.name, async () => {
          const document = await documents.change(bucket, kind, next)
          if (kind === 'objectLock' || kind === 'protection') await keepKeys(engine, sameBucket(engine, bucket))
          return document
        }),
      findRootKey: async ({ serviceInstanceCrn }, rootKeyCrn) => {
        const request = asker.requestId === undefined ? {} : { requestId: asker.requestId }
        return (await provider.find({ rootKeyCrn, serviceInstanceCrn, ...request })).crn
      },
      updateEncryption: (update) => updateEncryption(engine, keys, update),
      moveBucket: async (bucket, to) => {
        const moved = await rewraps.beginWith(bucket, (write) =>
          byName.run(bucket.name, () => moveBucket(engine, keys, bucket, to, [write])),
        )
        return moved ?? bucket
      },
    }
  }

  return {
    ...onBehalfOf(storeItself('store.call')),
    onBehalfOf,
    keyUsage: (rootKeyCrn) => keyUsage(engine, rootKeyCrn),
    bucketUsage: (bucket) => bucketUsage(engine, bucket),
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
    swept,
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
