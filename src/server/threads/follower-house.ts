import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { connectionMetrics } from '../../api/common/connection-metrics.ts'
import { requestMetrics } from '../../api/common/request-metrics.ts'
import type { S3Handler } from '../../api/s3/handler.ts'
import { createS3Server } from '../../api/s3/listener.ts'
import { replicationRights } from '../../api/s3/replication/rights.ts'
import { systemClock } from '../../base/clock.ts'
import type { KeyProvider } from '../../envelope/key-provider.ts'
import { budgetedProvider } from '../../envelope/wrap-budget.ts'
import { type Iam, openIam } from '../../iam/iam.ts'
import { openKms } from '../../kms/service.ts'
import { type FollowingObjects, openFollowingObjects } from '../../objects/following-objects.ts'
import { STANDARD } from '../../objects/move-to-class.ts'
import { sharedPins } from '../../objects/shared-pins.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metric } from '../../observe/metrics.ts'
import { nodeFs } from '../../storage/blob/disk-fs.ts'
import { openDiskStore } from '../../storage/blob/disk-store.ts'
import { timedFs } from '../../storage/blob/timed-fs.ts'
import type { ChangedRow } from '../../storage/metadata/changed-row.ts'
import { generations } from '../../storage/metadata/generations.ts'
import { collectStart } from '../after-start.ts'
import { kmsSettings } from '../keys-room.ts'
import { notificationTargets } from '../notifications/targets.ts'
import { openProviders } from '../providers-room.ts'
import { replicationTargets } from '../replication/targets.ts'
import type { RoomOptions } from '../room.ts'
import { s3Handler } from '../s3-handler.ts'
import { servedConnections } from '../served-connections.ts'
import type { Address, Config } from '../settings.ts'
import { openStorageClasses } from '../storage-classes.ts'
import { storageMetrics } from '../storage-metrics.ts'
import type { StoreName } from '../stores.ts'
import { throttleOf } from '../throttle-of.ts'
import { followTls } from '../tls-files.ts'
import { shareConnectionLimit } from './connection-limit.ts'
import { followerAudit } from './follower-audit.ts'
import { layFollowerFoundation } from './follower-foundation.ts'
import { handOver } from './hand-over.ts'
import type { Line } from './line.ts'
import type { OwnerCalls } from './messages.ts'
import { type SharedMemory, sharedFlags } from './shared-memory.ts'
import { loadMeter, type ThreadLoad } from './thread-load.ts'

/** The rooms of a thread that follows the one which owns the stores. */
export interface FollowerHouse {
  readonly listen: (address: Address & { readonly isStart: boolean }) => Promise<void>
  /** No more connections. Resolves when none is left and nothing runs: true; or when it listens again: false. */
  readonly leave: () => Promise<boolean>
  readonly load: () => ThreadLoad
  readonly endConnections: (count: number) => void
  readonly follow: (store: StoreName, rows: readonly ChangedRow[]) => Promise<void>
  readonly lookedUp: () => Promise<void>
  readonly remove: (ids: readonly string[]) => Promise<readonly string[]>
  readonly letGo: (ids: readonly string[]) => void
  readonly doubt: (rootKeyCrn: string) => void
  readonly lookAtCertificate: () => Promise<void>
  readonly metrics: () => readonly Metric[]
  readonly drain: (graceMs: number) => Promise<void>
  readonly close: () => Promise<void>
}

export interface FollowerOptions {
  readonly config: Config
  readonly log: Logger
  readonly line: Line<OwnerCalls>
  readonly memory: SharedMemory
  readonly lease: string
  readonly serviceRootKeyCrn: string
  readonly onStoreFailure: (error: Error) => void
}

/** Of a thread that leaves, whether its last connections have ended. */
const LOOK_EVERY_MS = 100

/** How often counts go to the thread that tells them. */
const COUNT_EVERY_MS = 1000

export async function openFollowerHouse(options: FollowerOptions): Promise<FollowerHouse> {
  const { config, log, line, memory, lease, serviceRootKeyCrn, onStoreFailure } = options
  await using scope = new AsyncDisposableStack()
  const clock = systemClock
  const flags = sharedFlags(memory)
  const foundation = await layFollowerFoundation(config, line, scope)
  const audit = followerAudit(line, flags, log)
  const room: RoomOptions = {
    config,
    log,
    clock,
    scope,
    foundation,
    audit,
    onStoreFailure,
    throttle: throttleOf(config, memory),
  }
  const tls = await followTls(config, log, scope)

  const iam = await followIdentities(room)
  const kms = config.only === 's3' ? undefined : await followKeysOf(room, iam)
  const providers = await openProviders(room, iam, kms)
  const provider = leavingRegistrations(providers.provider, line)
  const budgeted = budgetedProvider(provider, {
    counts: {
      reserved: (crn, keyVersion) => line.ask('wrapsReserved', { crn, keyVersion }),
      reserve: (crn, keyVersion, wraps) => line.ask('reserveWraps', { crn, keyVersion, wraps }),
    },
    limit: config['s3.wrap-limit'],
    onNearLimit: (use) => line.tell('wrapBudget', { state: 'near', use }),
    onSpent: (use) => line.tell('wrapBudget', { state: 'spent', use }),
  })
  const metadata = await foundation.openStore('metadata')
  const storage = storageMetrics()
  const disk = {
    ...{ lease, reserveBytes: config['disk.reserve-bytes'], onFailure: onStoreFailure, isShared: true },
    disk: timedFs(nodeFs, storage.onBlobSync),
  }
  const blobs = await openDiskStore(join(foundation.dataDir, 'blobs'), disk)
  scope.defer(() => blobs.close())
  const storageClasses = await openStorageClasses(config['storage-classes'], foundation.dataDir, disk, scope)
  // Nothing is delivered from here: only their names count.
  const targets = notificationTargets(config)
  const opened = Promise.withResolvers<FollowingObjects>()
  const objects = await openFollowingObjects({
    ...{ metadata: metadata.store, nonces: metadata.nonces, blobs, storageClasses, provider: budgeted, clock },
    audit: audit.dataKeys,
    onBackgroundError: (err) => log.error({ err }, 'background work failed'),
    notifications: targets,
    replication: {
      targets: replicationTargets(config),
      rights: replicationRights({ objects: () => opened.promise, iam, clock, region: config['s3.region'] }),
    },
    generations: generations(memory.generations),
    orderMemory: memory.orders,
    sequencerMemory: memory.sequencers,
    pins: sharedPins(memory.pins, () => line.tell('released', undefined)),
    keepOrphans: config['accept-metadata-loss'],
    owner: {
      keyChanged: (rootKeyCrn) => line.tell('keyChanged', rootKeyCrn),
      outdated: (bucketId, rootKeyCrn, keyVersion) => line.tell('outdated', { bucketId, rootKeyCrn, keyVersion }),
      recount: () => line.tell('recount', undefined),
      accessLine: (bucketId, text, timeMs) => line.tell('accessLine', { bucketId, line: text, timeMs }),
    },
  })
  opened.resolve(objects)
  scope.defer(() => objects.close())
  if (kms) scope.defer(kms.onKeyEvent(({ keyCrn }) => objects.doubt(keyCrn)))
  const requests = requestMetrics('coffer_s3', 'S3')
  const handler = s3Handler(room, {
    ...{ objects, iam, serviceRootKeyCrn, storageClasses: [STANDARD, ...storageClasses.keys()] },
    notificationTargets: targets.arns,
    onServed: requests.served,
    accountRootKey: (accountId) => line.ask('accountRootKey', accountId),
    elsewhere: handOver((over) => {
      load.handOn()
      line.tell('handOver', over, [over.port])
    }),
  })
  let running = 0
  const counted: S3Handler = async (incoming, response) => {
    running++
    load.request()
    try {
      await handler(incoming, response)
    } finally {
      running--
    }
  }
  const s3 = createS3Server(counted, { tls })
  shareConnectionLimit(s3, config['s3.max-connections'], flags.connections)
  const served = servedConnections(s3)
  const load = loadMeter(served)
  const connections = connectionMetrics({ s3 }, served.ended)
  const count = (): void => line.tell('permits', iam.policies.takePermits())
  const counting = setInterval(count, COUNT_EVERY_MS).unref()
  scope.defer(() => clearInterval(counting))
  const resources = scope.move()

  let isLeaving = false
  let listening: Promise<unknown> = Promise.resolve()

  return {
    listen: async ({ host, port, isStart }) => {
      isLeaving = false
      served.endAfterAnswer(0)
      // It may have been told to leave, and not have begun to.
      if (!s3.listening) {
        s3.listen({ host, port, reusePort: true })
        listening = once(s3, 'listening')
      }
      await listening
      if (isStart) collectStart()
    },
    leave: async () => {
      isLeaving = true
      // What the kernel has accepted is taken first: it is reset with the socket that listens.
      await turn()
      await turn()
      if (!isLeaving) return false
      served.leave()
      // What runs for a client that is gone still writes, and holds what it reads.
      while (isLeaving && served.open() + running > 0) await sleep(LOOK_EVERY_MS)
      return isLeaving
    },
    load: load.read,
    endConnections: served.endAfterAnswer,
    follow: async (store, rows) => {
      const salts = await foundation.nonces(store)?.follow(rows)
      salts?.()
      if (store === 'iam') await iam.follow(rows)
      else if (store === 'kms') await kms?.follow(rows)
      else await objects.follow(rows)
    },
    lookedUp: objects.lookedUp,
    remove: (ids) => objects.remove(ids),
    letGo: objects.letGo,
    doubt: objects.doubt,
    lookAtCertificate: async () => await tls?.look(),
    metrics: () => [
      ...connections(),
      ...requests.read(),
      ...providers.metrics(),
      ...storage.read(),
      ...objects.metrics(),
    ],
    drain: async (graceMs) => {
      await listening
      await served.drain(graceMs)
    },
    close: async () => {
      count()
      // What is not given back counts as used.
      await budgeted.giveBack().catch(() => {})
      await resources.disposeAsync()
      await audit.dataKeys.settled().catch(() => {})
    },
  }
}

/** Nobody signs in here: what S3 asks for is who there is and who may do what. */
async function followIdentities({ config, log, clock, foundation, audit }: RoomOptions): Promise<Iam> {
  const { store } = await foundation.openStore('iam')
  return openIam({
    store,
    secretKey: foundation.instanceKey.derive('iam'),
    tokenKey: foundation.instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
    operatorAccountId: config['iam.operator-account'],
    audit: audit.iam,
    onDamage: ({ space, id }) => log.debug({ space, id }, 'a stored identity, right or credential is damaged'),
  })
}

async function followKeysOf({ config, log, clock, scope, foundation, audit }: RoomOptions, iam: Iam) {
  const { store } = await foundation.openStore('kms')
  const kms = await openKms({
    ...{ store, iam, clock, audit: audit.keys, follows: true },
    sealingKey: foundation.instanceKey.derive('kms'),
    settings: kmsSettings(config),
    onDamage: ({ instanceId, keyId, what }) => log.debug({ instanceId, keyId }, `${what} is damaged`),
    onListenerError: (err) => log.error({ err }, 'a key event was not taken in'),
  })
  scope.defer(() => kms.close())
  return kms
}

/** A registration is a change of a key. */
const leavingRegistrations = (provider: KeyProvider, line: Line<OwnerCalls>): KeyProvider => ({
  ...provider,
  get supports() {
    return provider.supports
  },
  register: (call, registration) => line.ask('register', { call, registration }),
  deregister: (call, registration) => line.ask('deregister', { call, registration }),
})
