import type { Server } from 'node:http'
import { join } from 'node:path'
import type { SharesReader } from '../api/common/bucket-shares.ts'
import type { TlsSource } from '../api/common/edge-server.ts'
import { type RequestMetrics, requestMetrics } from '../api/common/request-metrics.ts'
import type { AskS3 } from '../api/common/s3-question.ts'
import { s3Asking } from '../api/s3/access/ask.ts'
import { bindStoredPolicies } from '../api/s3/access/bind-stored-policies.ts'
import { sharesReader } from '../api/s3/access/shares.ts'
import { recordLifecycle } from '../api/s3/access-log/lifecycle.ts'
import { firewallTest } from '../api/s3/firewall.ts'
import type { S3Handler } from '../api/s3/handler.ts'
import { createS3Server } from '../api/s3/listener.ts'
import { OPERATIONS } from '../api/s3/operations/index.ts'
import { replicationRights } from '../api/s3/replication/rights.ts'
import { newLease } from '../base/ids.ts'
import type { KeyProvider } from '../envelope/key-provider.ts'
import { type BudgetedProvider, budgetedProvider, type WrapCounts, type WrapUse } from '../envelope/wrap-budget.ts'
import type { Iam } from '../iam/iam.ts'
import type { KmsService } from '../kms/service.ts'
import { wrappingVersions } from '../objects/key-slots.ts'
import { STANDARD } from '../objects/move-to-class.ts'
import { type Objects, openObjects } from '../objects/objects.ts'
import type { OpenTables } from '../objects/verify/verify-tables.ts'
import { counting } from '../observe/metrics.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { nodeFs } from '../storage/blob/disk-fs.ts'
import { openDiskStore } from '../storage/blob/disk-store.ts'
import { timedFs } from '../storage/blob/timed-fs.ts'
import { type NotificationTargets, notificationTargets } from './notifications/targets.ts'
import { replicationTargets } from './replication/targets.ts'
import type { RoomOptions } from './room.ts'
import { type Served, s3Handler } from './s3-handler.ts'
import { openStorageClasses } from './storage-classes.ts'
import type { StorageMetrics } from './storage-metrics.ts'
import { serveHandedOver } from './threads/handed-over.ts'
import type { HandedOver } from './threads/messages.ts'
import type { Threads } from './threads/owner.ts'
import { countLostWraps, wrapCounts } from './wrap-counts.ts'

export interface ObjectsRoom {
  readonly objects: Objects
  readonly blobs: BlobStore
  /** Not listening yet. */
  readonly s3: Server
  /** The same S3 for callers that are known in another way, of this process alone. */
  readonly s3For: (iam: Served['iam']) => S3Handler
  /** Serves a request that a following thread hands on. */
  readonly takeConnection: (over: HandedOver) => void
  readonly wrapBudgets: BudgetedProvider['budgets']
  /** What the S3 listener served. */
  readonly served: RequestMetrics['read']
  /** Root key of buckets that name none. */
  readonly serviceRootKeyCrn: string
  /** For whoever asks for a root key and names none. */
  readonly accountRootKey: (accountId: string) => Promise<string>
  readonly notificationTargets: NotificationTargets['faces']
  readonly askS3: AskS3
  readonly shares: SharesReader
  /** For other threads. */
  readonly wrapCounts: WrapCounts
  /** A version of a root key is near its limit, or at it. */
  readonly onWrapBudget: (state: 'near' | 'spent', use: WrapUse) => void
}

export interface ObjectsRoomOptions extends RoomOptions {
  readonly iam: Iam
  readonly provider: KeyProvider
  /** Where this process has keys of its own: their service's root key protects buckets that name none. */
  readonly kms:
    | Pick<KmsService, 'ensureServiceRootKey' | 'ensureAccountRootKey' | 'rotateServiceRootKey' | 'onKeyEvent'>
    | undefined
  readonly tls: TlsSource | undefined
  readonly threads: Pick<Threads, 'engine' | 'removing' | 'doubt'> | undefined
  readonly onBlobSync: StorageMetrics['onBlobSync']
  /** Of all stores, whichever room opens them. */
  readonly tables: OpenTables
}

/** The objects half: the engine over its stores, and S3 in front of it. */
export async function openObjectsRoom(options: ObjectsRoomOptions): Promise<ObjectsRoom> {
  const { config, log, clock, scope, foundation, onStoreFailure, iam, kms, provider, threads, onBlobSync } = options
  const serviceRootKeyCrn = config['s3.service-root-key'] ?? (await kms?.ensureServiceRootKey())
  if (serviceRootKeyCrn === undefined) throw new Error('neither a service root key nor a place to make one')
  const metadata = await foundation.openStore('metadata')
  const disk = {
    ...{ lease: newLease(), reserveBytes: config['disk.reserve-bytes'], onFailure: onStoreFailure },
    disk: timedFs(nodeFs, onBlobSync),
    isRunning: threads?.engine.isRunning,
    isShared: threads !== undefined,
  }
  const blobs = await openDiskStore(join(foundation.dataDir, 'blobs'), disk)
  scope.defer(() => blobs.close())
  const storageClasses = await openStorageClasses(config['storage-classes'], foundation.dataDir, disk, scope)
  const classes = Array.from(
    storageClasses,
    ([name, store]) => [name, threads?.removing(store, name) ?? store] as const,
  )
  // Data keys are wrapped while the engine opens.
  const opened = Promise.withResolvers<Objects>()
  const ownKey = config['s3.service-root-key'] === undefined ? kms : undefined
  const reKey = async (rootKeyCrn: string): Promise<void> => {
    try {
      // Only the store's own key may be rotated by the store.
      if (rootKeyCrn === serviceRootKeyCrn && ownKey) return await ownKey.rotateServiceRootKey()
    } catch (err) {
      log.error({ err }, 'the service root key was not rotated')
    }
    await (await opened.promise).rewraps.reKey(rootKeyCrn)
  }
  const lostWraps = Math.ceil(config['s3.wrap-limit'] / 8)
  if (foundation.restored) await countLostWraps(metadata.store, lostWraps)
  const told = new Set<string>()
  /** Once, whichever thread meets it. */
  const onWrapBudget = (state: 'near' | 'spent', use: WrapUse): void => {
    const name = `${use.rootKeyCrn} ${use.keyVersion} ${state}`
    if (told.has(name)) return
    told.add(name)
    options.audit.wrapBudgets.record({ ...use, state })
    if (state === 'spent') {
      return log.error(use, 'root key has wrapped as often as it may: it wraps nothing more until it is rotated')
    }
    log.warn(use, 'root key has wrapped nearly as often as it may: bucket keys take its place until it is rotated')
    reKey(use.rootKeyCrn).catch((err: unknown) => log.error({ ...use, err }, 'no bucket keys took its place'))
  }
  const counts = wrapCounts(metadata.store, lostWraps)
  const budgeted = budgetedProvider(provider, {
    counts,
    limit: config['s3.wrap-limit'],
    onNearLimit: (use) => onWrapBudget('near', use),
    onSpent: (use) => onWrapBudget('spent', use),
  })
  const targets = notificationTargets(config)
  const lifecycleActs = counting({
    ...{ name: 'coffer_lifecycle_acts_total', help: 'What lifecycle rules did.' },
    labels: ['action'],
  })
  scope.defer(targets.close)
  const objects = await openObjects({
    metadata: metadata.store,
    blobs: threads?.removing(blobs) ?? blobs,
    storageClasses: new Map(classes),
    ...(threads ? { threads: threads.engine } : {}),
    provider: budgeted,
    nonces: metadata.nonces,
    clock,
    audit: options.audit.dataKeys,
    onBackgroundError: (err) => log.error({ err }, 'background work failed'),
    keepOrphans: config['accept-metadata-loss'],
    keyCheckMs: config['s3.key-check-interval-ms'],
    onKeyChange: ({ bucket, state, keys }) => {
      for (const { rootKeyCrn } of keys) threads?.doubt(rootKeyCrn)
      const fields = {
        bucket,
        rootKeys: keys.filter((key) => key.state === 'wrong').map(({ rootKeyCrn }) => rootKeyCrn),
      }
      if (state === 'locked')
        log.error(fields, 'bucket is LOCKED: its root key answers with other key material than before')
      else log.info(fields, 'bucket is open again: its root key is the right one')
    },
    accessLogs: { intervalMs: config['s3.access-log-interval-ms'], region: config['s3.region'] },
    notifications: targets,
    replication: {
      targets: replicationTargets(config),
      rights: replicationRights({ objects: () => opened.promise, iam, clock, region: config['s3.region'] }),
    },
    lifecycle: {
      dayMs: config['lifecycle.day-seconds'] * 1000,
      perSecond: config['lifecycle.per-second'],
      audit: options.audit.lifecycle,
      onAct: (done) => {
        const { action, bucket, ...act } = done
        log.info({ bucket: bucket.name, ...act }, action)
        lifecycleActs.add(1, action.replace('store.lifecycle-', ''))
        const timeMs = clock.now()
        void opened.promise.then((ready) => recordLifecycle(done, timeMs, ready))
      },
    },
    scrub: {
      intervalMs: config['scrub.interval-ms'],
      mibPerSecond: config['scrub.mib-per-second'],
      tables: options.tables,
      onFinding: (finding) => log.error(finding, 'the scrub found damage'),
      onPass: (what, { pass, counts, bytesRead, findings, notKept }) =>
        log.info({ pass, ...counts, bytesRead, findings, notKept }, `scrub ${what}`),
    },
    rewrap: { automatic: config['rewrap.automatic'], perSecond: config['rewrap.per-second'] },
  })
  opened.resolve(objects)
  await watchBudgets(objects, budgeted)
  await bindStoredPolicies({
    ...{ objects, iam },
    onError: (err) => log.error({ err }, 'a stored policy knows users and roles by their names alone, as before'),
  })
  scope.defer(() => objects.close())
  if (kms) scope.defer(kms.onKeyEvent(({ keyCrn }) => objects.keyChecks.doubt(keyCrn)))
  if (kms) scope.defer(rewrapOnEvents(objects, kms, config['rewrap.automatic'], log))
  // Where the operator chose the root key, everything of the service's is under that one.
  const own = config['s3.service-root-key'] === undefined ? kms : undefined
  const accountRootKey = async (accountId: string) => own?.ensureAccountRootKey(accountId) ?? serviceRootKeyCrn
  const served = {
    objects,
    iam,
    serviceRootKeyCrn,
    accountRootKey,
    storageClasses: [STANDARD, ...storageClasses.keys()],
  }
  const askS3 = s3Asking({
    ...{ objects, clock, operations: OPERATIONS, firewall: firewallTest(config['kms.private-networks']) },
    iam: { ...iam, decide: iam.explain },
    settings: { region: config['s3.region'], serviceRootKeyCrn, accountRootKey },
  })
  const requests = requestMetrics('coffer_s3', 'S3')
  const serving: Served = { ...served, notificationTargets: targets.arns, onServed: requests.served }
  const handler = s3Handler(options, serving)
  const s3 = createS3Server(handler, { maxConnections: config['s3.max-connections'], tls: options.tls })
  return {
    objects,
    blobs,
    s3,
    s3For: (knowing) => s3Handler(options, { ...serving, iam: knowing }),
    takeConnection: serveHandedOver(handler),
    serviceRootKeyCrn,
    accountRootKey,
    notificationTargets: targets.faces,
    wrapBudgets: budgeted.budgets,
    served: () => [...requests.read(), lifecycleActs.read()],
    askS3,
    shares: sharesReader(objects),
    wrapCounts: {
      ...counts,
      reserve: async (crn, keyVersion, wraps) => {
        const reserved = await counts.reserve(crn, keyVersion, wraps)
        await budgeted.reservedElsewhere(crn, keyVersion, reserved)
        return reserved
      },
    },
    onWrapBudget,
  }
}

/** What lies under the old version is rewrapped at once, and what waited for a key goes on. The result ends it. */
function rewrapOnEvents(
  { rewraps }: Objects,
  { onKeyEvent }: Pick<KmsService, 'onKeyEvent'>,
  automatic: boolean,
  log: RoomOptions['log'],
): () => void {
  return onKeyEvent(({ type, keyCrn }) => {
    rewraps.wake()
    if (type !== 'rotated' || !automatic) return
    rewraps.startOfKey(keyCrn).catch((err: unknown) => log.error({ err }, 'rewrapping could not begin'))
  })
}

/** What the versions that wrap have wrapped in earlier lives of the process, so that it is told of before they do again. */
async function watchBudgets({ buckets }: Objects, { watch }: BudgetedProvider): Promise<void> {
  const versions = buckets.all().flatMap(wrappingVersions)
  const byName = new Map(versions.map((of) => [`${of.rootKeyCrn} ${of.keyVersion}`, of]))
  for (const { rootKeyCrn, keyVersion } of byName.values()) await watch(rootKeyCrn, keyVersion)
}
