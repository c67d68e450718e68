import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer } from 'node:net'
import { adminApi } from '../api/admin/api.ts'
import { auditApi } from '../api/audit/apis.ts'
import { clientAddressBehind } from '../api/common/client-address.ts'
import { connectionMetrics } from '../api/common/connection-metrics.ts'
import type { HealthReport } from '../api/common/health.ts'
import { createControlListener } from '../api/common/listener.ts'
import { metricsApi } from '../api/common/metrics.ts'
import { openApiApi } from '../api/common/openapi/api.ts'
import { requestMetrics } from '../api/common/request-metrics.ts'
import { type Console, createConsole, NOT_BUILT } from '../api/console/console.ts'
import { iamApis } from '../api/iam/apis.ts'
import { keyProtectApi } from '../api/key-protect/api.ts'
import { resourceConfigApi } from '../api/resource-config/api.ts'
import { presignedUrl } from '../api/s3/sigv4/presign.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { isChain } from '../base/server-certificate.ts'
import type { InstanceKey } from '../envelope/instance-key.ts'
import { type FirstStart, firstStart } from '../iam/first-start.ts'
import type { Principal } from '../iam/principal.ts'
import type { Instance } from '../iam/records.ts'
import type { KmsService } from '../kms/service.ts'
import { TABLES_INTERVAL_MS } from '../objects/verify/scrub.ts'
import type { Logger } from '../observe/logger.ts'
import { type Gauge, type Metric, summed } from '../observe/metrics.ts'
import { ownEvent } from './audit-events.ts'
import type { OwnAudit } from './audit-room.ts'
import { openAudit } from './audit-room.ts'
import { type BackupOf, type BackupSession, beginBackup } from './backup/session.ts'
import { sourcesOf } from './config.ts'
import { invalidConfig } from './config-error.ts'
import { consoleSignIn } from './console-sign-in.ts'
import { damagedRowsOf } from './damaged-rows.ts'
import { diskMetrics } from './disk-metrics.ts'
import { type DiskWatch, warnBytesOf, watchDisks } from './disk-watch.ts'
import { layFoundation } from './foundation.ts'
import { openIdentities } from './identities-room.ts'
import { openKeys } from './keys-room.ts'
import { type ObjectsRoom, openObjectsRoom } from './objects-room.ts'
import { openApiDocuments } from './openapi-documents.ts'
import { processMetrics } from './process-metrics.ts'
import { openProviders, type ProvidersRoom } from './providers-room.ts'
import { publicEndpoint } from './public-endpoint.ts'
import { forgetRestored, type Restored } from './restored.ts'
import { takeSamples } from './samples.ts'
import { servedConnections } from './served-connections.ts'
import type { Address, Config } from './settings.ts'
import { levelMemory, storageMetrics } from './storage-metrics.ts'
import { storeGauges } from './store-gauges.ts'
import { watchTables } from './table-watch.ts'
import { shareConnectionLimit } from './threads/connection-limit.ts'
import { startThreads, type Threads } from './threads/owner.ts'
import { servingThreads, steerThreads, threadCounts } from './threads/steer.ts'
import { throttleOf } from './throttle-of.ts'
import { followTls } from './tls-files.ts'
import { VERSION } from './version.ts'

export interface House {
  /** Binds the listeners; port 0 takes a free one. */
  readonly listen: () => Promise<Listening>
  /** Says that it is ready, from here on. */
  readonly serve: () => void
  /** Refuses S3 connections, lets what runs finish for `graceMs`, then closes the control listener and the stores. */
  readonly close: (graceMs: number) => Promise<void>
  /** Looks at once whether the certificate of the listeners was renewed. */
  readonly lookAtCertificate: () => Promise<void>
  readonly dataDir: string
  /** As `/health/ready` tells it. */
  readonly health: () => HealthReport
  readonly instanceKey: Pick<InstanceKey, 'created' | 'origin'> & { readonly file: string | undefined }
  /** Holds what is there now until it is disposed. */
  readonly beginBackup: (what: BackupOf, after?: string) => Promise<BackupSession>
  /** Beneath S3: for what an operator or a test must see and no client may. Undefined in the keys half. */
  readonly store: Pick<ObjectsRoom, 'objects' | 'blobs' | 's3' | 'wrapBudgets'> | undefined
  /** The same, of threads that come and go. */
  readonly threads: Pick<Threads, 'more' | 'fewer' | 'serving' | 'there'> | undefined
}

export interface Listening {
  /** Undefined in the keys half. */
  readonly s3: Address | undefined
  readonly control: Address
  /** Credentials of the first start, in clear, once. */
  readonly firstStart: FirstStart | undefined
}

export interface HouseOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock?: Clock
  /** A store can no longer be trusted with writes: the process should end and be started again. */
  readonly onStoreFailure: (error: Error) => void
}

/** The longest that control requests still run after the last of S3's. */
const CONTROL_DRAIN_MS = 2000

/** Where the rooms are made and handed to one another. */
export async function openHouse({ config, log, clock = systemClock, onStoreFailure }: HouseOptions): Promise<House> {
  await using scope = new AsyncDisposableStack()
  let state: 'starting' | 'serving' | 'draining' = 'starting'
  const isStarting = () => state === 'starting'
  const many = config.only === 'kms' ? { atStart: 1, most: 1 } : threadCounts(config['s3.threads'])
  const threads =
    many.most === 1
      ? undefined
      : startThreads({
          count: many.atStart - 1,
          sources: sourcesOf(config),
          onFailure: onStoreFailure,
          onError: (err) => log.error({ err }, 'what a serving thread told was not done'),
        })
  // Also after a start that fails.
  if (threads) scope.defer(() => threads.close())
  const storage = storageMetrics()
  const { onGroup, onBlobSync } = storage
  const foundation = await layFoundation({ config, log, scope, onStoreFailure, isStarting, threads, onGroup })
  const tls = await followTls(config, log, scope)
  const audit = await openAudit({ config, log, clock, scope, foundation, onStoreFailure }, threads?.flags.setAuditReady)
  const limits = throttleOf(config, threads?.memory)
  const room = { config, log, clock, scope, foundation, audit, onStoreFailure, throttle: limits }

  const iam = await openIdentities(room)
  let ui: Console | undefined
  const verifyToken = async (token: string): Promise<Principal> => {
    const principal = await (ui?.principalOf(token) ?? iam.verifyToken(token))
    limits.request(principal, undefined)
    return principal
  }
  const callers = { ...iam, verifyToken }
  const kms = config.only === 's3' ? undefined : await openKeys(room, iam)
  const providers = config.only === 'kms' ? undefined : await openProviders(room, iam, kms)
  const store =
    providers &&
    (await openObjectsRoom({
      ...room,
      ...{ iam, kms, tls, provider: providers.provider, threads, onBlobSync, tables: foundation.levels },
    }))

  if (foundation.restored) await noteRestore(foundation.dataDir, foundation.restored, audit, log)

  const heldPrincipal = (token: string): Promise<Principal> | undefined => ui?.principalOf(token)
  const known = {
    ...iam,
    heldPrincipal,
    verifyToken: (token: string) => heldPrincipal(token) ?? iam.verifyToken(token),
  }
  const clientAddress = clientAddressBehind(config['trusted-proxies'])
  if (config.console) {
    ui = createConsole({
      ...{ iam, clock, version: VERSION, tls: tls !== undefined },
      halves: { objects: store !== undefined, keys: kms !== undefined },
      s3: store && ((request) => publicEndpoint(config, store.s3, tls !== undefined, request.header('host'))),
      s3Handler: store?.s3For(known),
      sso: await consoleSignIn(config, clock, log),
      audit: { log: audit.iam, clientAddress },
      onFault: (err) => log.error({ err }, 'the console failed'),
    })
    if (!ui.isBuilt()) log.warn(NOT_BUILT)
  }
  const damagedRows = damagedRowsOf(iam, kms)
  const disks = [{ name: 'data', directory: foundation.dataDir }, ...config['storage-classes']]
  const reserveBytes = config['disk.reserve-bytes']
  const marks = { reserveBytes, warnBytes: warnBytesOf(reserveBytes, config['disk.warn-bytes']) }
  const diskWatch = scope.use(watchDisks({ disks, ...marks, log }))
  await diskWatch.look()
  const tables = store
    ? undefined
    : scope.use(
        watchTables({
          stores: foundation.levels,
          intervalMs: TABLES_INTERVAL_MS,
          mibPerSecond: config['scrub.mib-per-second'],
          onFinding: (finding) => log.error(finding, 'a table of a metadata store is damaged'),
          onError: (err) => log.error({ err }, 'the tables of the metadata stores were not looked at'),
        }),
      )
  const ownProcess = scope.use(processMetrics(VERSION))
  const controlRequests = requestMetrics('coffer_control', 'the control listener')
  const counters = async (): Promise<readonly Metric[]> => [
    ...controlRequests.read(),
    ...summed([
      ...connections(),
      ...storage.read(),
      ...(store?.served() ?? []),
      ...(providers?.metrics() ?? []),
      ...(store?.objects.threadMetrics() ?? []),
      ...((await threads?.metrics()) ?? []).flat(),
    ]),
    ...(store ? (steered?.metrics() ?? [servingThreads(many.atStart)]) : []),
  ]
  const ready = (): HealthReport => {
    if (state !== 'serving') return { ok: false, problems: [state] }
    if (!audit.writable()) return { ok: false, problems: ['the audit log cannot be written'] }
    // Ready also without a key service: names, sizes and the buckets of other services are served, and any other
    // process would miss it too.
    return { ok: true, ...about(providers, store, damagedRows.total(), problemsOf(diskWatch, tables)) }
  }
  const samples =
    store &&
    scope.use(
      takeSamples({
        clock,
        read: counters,
        stored: () => store.objects.encryptionUsage(store.objects.buckets.all()),
        onError: (err) => log.error({ err }, 'no sample was taken'),
      }),
    )
  const identities = iamApis(callers, { inUse: (instance) => holdsSomething(instance, kms, store), clientAddress })
  const keyProtect = kms && keyProtectApi({ kms, verifyToken, clientAddress })
  const resourceConfiguration =
    store && resourceConfigApi({ iam: callers, objects: store.objects, activity: audit.activity, clientAddress })
  const admin =
    store &&
    samples &&
    adminApi({
      rewrapsByItself: config['rewrap.automatic'],
      ...store,
      ...{ kms, samples, readiness: ready, clock, presign: presignedUrl },
      s3Endpoint: (host) => publicEndpoint(config, store.s3, tls !== undefined, host),
      activityLog: audit.reading,
      iam: callers,
      region: config['s3.region'],
      knowsKey: (crn) => kms?.knowsKey(crn),
      activity: audit.activity,
      clientAddress,
    })
  const control = createControlListener({
    apis: [
      ...(ui ? [ui.api] : []),
      ...[...identities, keyProtect, resourceConfiguration, admin].filter((api) => api !== undefined),
      openApiApi(openApiDocuments({ iam: identities, keyProtect, resourceConfiguration, admin })),
      auditApi(audit.publicKey),
      metricsApi(async () => {
        return [
          ...ownProcess.read(),
          ...(await diskMetrics(disks, { ...marks, states: diskWatch.states() })),
          auditGauge(audit.writable()),
          damagedRows.gauge(),
          levelMemory(foundation.levels),
          ...(await counters()),
          ...((await store?.objects.storeMetrics()) ?? []),
          ...(store ? storeGauges(store) : []),
          ...(tls ? [tls.gauge()] : []),
        ]
      }),
    ],
    health: {
      live: () => ({ ok: true }),
      ready,
    },
    logger: log,
    tls,
    clientCa: await clientAuthorities(config['control.client-ca-file']),
    admission: {
      signIn: (request) => limits.signIn(clientAddress(request)),
      refused: (request) => limits.refused(clientAddress(request)),
    },
    onServed: controlRequests.served,
    front: ui?.front,
  })
  const servedS3 = store && servedConnections(store.s3)
  const connections = connectionMetrics(
    { ...(store ? { s3: store.s3 } : {}), control: control.server },
    servedS3?.ended,
  )
  if (threads && store && providers) {
    shareConnectionLimit(store.s3, config['s3.max-connections'], threads.flags.connections)
    scope.defer(() => threads.close())
    await threads.open({ ...store, iam, provider: providers.provider, audit: audit.log })
  }
  const servedControl = servedConnections(control.server)
  const steered =
    threads && servedS3 && config['s3.threads'] === 'auto'
      ? scope.use(
          steerThreads({ threads, connections: servedS3, most: many.most, idleMs: config['s3.thread-idle-ms'], log }),
        )
      : undefined
  const resources = scope.move()

  return {
    listen: async () => {
      const s3Address = store && (await listen(store.s3, config['s3.listen'], threads !== undefined))
      if (s3Address) await threads?.listen(s3Address)
      const controlAddress = await control.listen(config['control.listen'])
      // Not before: a start that fails at a taken port would make credentials that nobody has seen.
      audit.iam.ready()
      const credentials = await firstStart(iam)
      if (credentials) {
        audit.iam.record(ownEvent('iam.first-start', `a/${credentials.accountId}`))
        await audit.iam.settled()
      }
      return { s3: s3Address, control: controlAddress, firstStart: credentials }
    },
    serve: () => {
      if (!isStarting()) return
      state = 'serving'
      steered?.begin()
    },
    close: async (graceMs) => {
      state = 'draining'
      // The control listener stays until then, to say that this server is not ready any more.
      steered?.[Symbol.dispose]()
      await Promise.all([servedS3?.drain(graceMs), threads?.drain(graceMs)])
      await servedControl.drain(Math.min(graceMs, CONTROL_DRAIN_MS))
      await resources.disposeAsync()
    },
    lookAtCertificate: async () => {
      await tls?.look()
      await threads?.lookAtCertificate()
    },
    dataDir: foundation.dataDir,
    health: ready,
    beginBackup: (what, after) =>
      beginBackup(
        { foundation, audit, clock, garbage: store?.objects.garbage, storageClasses: config['storage-classes'] },
        what,
        after,
      ),
    instanceKey: {
      created: foundation.instanceKey.created,
      origin: foundation.instanceKey.origin,
      file: foundation.keyFile,
    },
    store,
    threads,
  }
}

async function clientAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw invalidConfig(`COFFER_CONTROL_CLIENT_CA_FILE: ${file} cannot be read`, error)
  })
  if (!isChain(text)) throw invalidConfig(`COFFER_CONTROL_CLIENT_CA_FILE: ${file} holds no certificates in PEM`)
  return text
}

/** Whoever reads the log later sees that what follows is not what followed the backup before. */
async function noteRestore(
  dataDir: string,
  { backup, takenAt }: Restored,
  audit: OwnAudit,
  log: Logger,
): Promise<void> {
  audit.iam.ready()
  audit.iam.record({ ...ownEvent('store.restored', backup), reason: `the state of ${takenAt}` })
  await audit.iam.settled()
  await forgetRestored(dataDir)
  log.warn(
    { backup, takenAt },
    'this is the first start after a restore: keys, credentials and rights are as they were then, also those that were deleted or taken since',
  )
}

const auditGauge = (isWritable: boolean): Gauge => ({
  ...{
    name: 'coffer_audit_writable',
    help: '0: the disk takes no more of the audit log, and no key is used.',
    type: 'gauge',
  },
  samples: [{ labels: {}, value: isWritable ? 1 : 0 }],
})

const problemsOf = (...watches: readonly (Pick<DiskWatch, 'problems'> | undefined)[]): readonly string[] =>
  watches.flatMap((watch) => watch?.problems() ?? [])

function about(
  providers: ProvidersRoom | undefined,
  store: Pick<ObjectsRoom, 'objects' | 'wrapBudgets'> | undefined,
  damagedRows: number,
  ofFiles: readonly string[],
): { readonly problems?: readonly string[] } {
  const locked = store?.objects.keyChecks.states().filter(({ state }) => state === 'locked').length ?? 0
  const unreadable = store?.objects.buckets.damaged().length ?? 0
  const damaged = store?.objects.scrub.status().findings ?? 0
  const spent = store?.wrapBudgets().filter(({ state }) => state === 'spent').length ?? 0
  const problems = [
    ...(providers?.problems() ?? []),
    ...ofFiles,
    ...(locked > 0 ? [`buckets locked because their root key is not the right one: ${locked}`] : []),
    ...(spent > 0 ? [`versions of root keys that have wrapped all they may: ${spent}`] : []),
    ...(damagedRows > 0 ? [`keys, identities or policies whose record is damaged: ${damagedRows}`] : []),
    ...(damaged > 0 ? [`damage that the scrub found, see GET /admin/v1/scrub/findings: ${damaged}`] : []),
    ...(unreadable > 0 ? [`buckets whose record is damaged: ${unreadable}`] : []),
  ]
  return problems.length > 0 ? { problems } : {}
}

/** Buckets and keys that this process knows: the other half of a server has instances of its own. */
function holdsSomething(
  { crn, guid }: Instance,
  kms: KmsService | undefined,
  store: Pick<ObjectsRoom, 'objects'> | undefined,
): boolean {
  const isItsOwn = ({ serviceInstanceCrn }: { readonly serviceInstanceCrn: string }) => serviceInstanceCrn === crn
  // Whose a bucket is that cannot be read, nobody knows.
  const unreadable = (store?.objects.buckets.damaged().length ?? 0) > 0
  return kms?.holdsKeys(guid) === true || unreadable || store?.objects.buckets.all().some(isItsOwn) === true
}

/** A port that is shared is taken by nobody, as far as the kernel says to others of the same user. */
async function refuseTaken(address: Address): Promise<void> {
  const probe = createServer()
  probe.listen(address)
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}

async function listen(server: Server, { host, port }: Address, reusePort: boolean): Promise<Address> {
  if (reusePort && port !== 0) await refuseTaken({ host, port })
  server.listen({ host, port, reusePort })
  await once(server, 'listening')
  const bound = server.address()
  return typeof bound === 'object' && bound ? { host, port: bound.port } : { host, port }
}
