import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { createControlListener } from '../api/common/listener.ts'
import { iamApis } from '../api/iam/apis.ts'
import { keyProtectApi } from '../api/key-protect/api.ts'
import { createS3Handler } from '../api/s3/handler.ts'
import { createS3Server } from '../api/s3/listener.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { newLease } from '../base/ids.ts'
import { cachedProvider } from '../envelope/cached-provider.ts'
import { type InstanceKey, openInstanceKey } from '../envelope/instance-key.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import { applyBootstrap } from '../iam/bootstrap.ts'
import { type FirstStart, firstStart } from '../iam/first-start.ts'
import { openIam } from '../iam/iam.ts'
import { KMS_SPACE } from '../kms/keyspace.ts'
import { openKms } from '../kms/service.ts'
import { DEFAULT_KMS_SETTINGS } from '../kms/settings.ts'
import { type Objects, openObjects } from '../objects/objects.ts'
import type { Logger } from '../observe/logger.ts'
import { KEY_PROVIDERS } from '../providers/index.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { nodeFs } from '../storage/blob/disk-fs.ts'
import { openDiskStore } from '../storage/blob/disk-store.ts'
import { freeSpace } from '../storage/blob/free-space.ts'
import { lockDataDirectory } from '../storage/lock.ts'
import { openLevelStore } from '../storage/metadata/level-store.ts'
import type { Space } from '../storage/metadata/metadata-store.ts'
import { openNonceSource } from '../storage/metadata/nonce-source.ts'
import { reservedStore } from '../storage/metadata/reserved-store.ts'
import { sealedStore } from '../storage/metadata/sealed-store.ts'
import { isShared, readBootstrap } from './bootstrap-file.ts'
import { openDataDirectory, refuseKeyInside } from './data-directory.ts'
import { drainable } from './drain.ts'
import { keyAudit } from './key-audit.ts'
import type { Address, Config } from './settings.ts'
import { prepareStores, type StoreName } from './stores.ts'

export interface House {
  /** Binds both listeners; port 0 takes a free one. */
  readonly listen: () => Promise<Listening>
  /** Refuses S3 connections, lets what runs finish for `graceMs`, then closes the control listener and the stores. */
  readonly close: (graceMs: number) => Promise<void>
  readonly instanceKey: Pick<InstanceKey, 'created' | 'origin'> & { readonly file: string | undefined }
  /** Resolves when what earlier runs left on the disk is removed. */
  readonly swept: Promise<void>
  /** Beneath the protocols: for what an operator or a test must see and no client may. */
  readonly objects: Objects
  readonly blobs: BlobStore
}

export interface Listening {
  readonly s3: Address
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

const KMS_SWEEP_EVERY_MS = 3_600_000
/** The longest that control requests still run after the last of S3's. */
const CONTROL_DRAIN_MS = 2000

/**
 * Rows that a client may make without end. An alias or a registration is not made often, is of a key, and a key that
 * could not be written is out of use.
 */
const GROWING: Readonly<Record<StoreName, (space: Space) => boolean>> = {
  iam: () => true,
  kms: (space) => space === KMS_SPACE.key,
  metadata: () => true,
}

/** The one room where everything is made and handed to what needs it. */
export async function openHouse({ config, log, clock = systemClock, onStoreFailure }: HouseOptions): Promise<House> {
  await using scope = new AsyncDisposableStack()
  const dataDir = await openDataDirectory(config['data-dir'])
  const passphrase = config['instance-passphrase']?.reveal()
  const keyFile = passphrase === undefined ? (config['instance-key-file'] ?? `${dataDir}.key`) : undefined
  if (keyFile !== undefined) await refuseKeyInside(keyFile, dataDir)
  const lock = lockDataDirectory(dataDir)
  scope.defer(() => lock.release())

  const sealFile = join(dataDir, 'instance-key.json')
  await prepareStores(dataDir, sealFile)
  const instanceKey = scope.use(
    await openInstanceKey({
      sealFile,
      ...(keyFile === undefined ? {} : { keyFile, generateKeyFile: true }),
      ...(passphrase === undefined ? {} : { passphrase }),
    }),
  )

  let state: 'starting' | 'serving' | 'draining' = 'starting'
  const acceptLoss = config['accept-metadata-loss']
  if (acceptLoss) log.warn('lost metadata is accepted: nothing is swept while this is set')
  const onLoss = (err: Error): void =>
    log.error({ err }, `METADATA IS LOST, and going on was asked for: ${err.message}`)
  const openStore = async (name: StoreName) => {
    const raw = await openLevelStore(join(dataDir, name), {
      onFailure: onStoreFailure,
      ...(acceptLoss ? { onLoss } : {}),
    })
    scope.defer(() => raw.close())
    const nonces = await openNonceSource(raw)
    const free = freeSpace({
      disk: nodeFs,
      directory: join(dataDir, name),
      reserveBytes: config['disk.reserve-bytes'],
      clock: systemClock,
    })
    const space = {
      // A start makes little, and must succeed on a full disk, so that something can be deleted.
      ensure: async (bytes: number) => (state === 'starting' ? undefined : free.ensure(bytes)),
      took: free.took,
    }
    const reserved = reservedStore(raw, { space, growing: GROWING[name] })
    scope.defer(() => reserved.close())
    // Each store numbers its own epochs, so each has a label of its own under the same root.
    const cipher = recordCipher(instanceKey.derive('records'), nonces, `records/${name}`)
    return { store: sealedStore(reserved, cipher), nonces }
  }

  const iamStore = await openStore('iam')
  const iam = await openIam({
    store: iamStore.store,
    secretKey: instanceKey.derive('iam'),
    tokenKey: instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
  })
  const bootstrapFile = config['bootstrap-file']
  if (bootstrapFile !== undefined) {
    await applyBootstrap(iam, await readBootstrap(bootstrapFile))
    if (await isShared(bootstrapFile)) {
      log.warn(
        `the bootstrap file ${bootstrapFile} holds secrets and may be read by others: chmod 600 ${bootstrapFile}`,
      )
    }
  }

  const kmsStore = await openStore('kms')
  const kms = await openKms({
    store: kmsStore.store,
    sealingKey: instanceKey.derive('kms'),
    iam,
    clock,
    settings: kmsSettings(config),
    audit: keyAudit(log),
  })
  scope.defer(() => kms.close())
  const sweepKeys = (): void => void kms.sweep().catch((err: unknown) => log.error({ err }, 'key sweep failed'))
  const keySweep = setInterval(sweepKeys, KMS_SWEEP_EVERY_MS)
  keySweep.unref()
  scope.defer(() => clearInterval(keySweep))
  // A process that is started more often than that would never sweep.
  sweepKeys()
  const serviceRootKeyCrn = await kms.ensureServiceRootKey()

  // In this process asking costs nothing, so a cached DEK is asked for at every use.
  const provider = cachedProvider(await KEY_PROVIDERS.embedded.open({}, { kms, iam }), { permitMs: 0 })
  scope.defer(() => provider.close())

  const metadata = await openStore('metadata')
  const blobs = await openDiskStore(join(dataDir, 'blobs'), {
    lease: newLease(),
    reserveBytes: config['disk.reserve-bytes'],
    onFailure: onStoreFailure,
  })
  scope.defer(() => blobs.close())
  const objects = await openObjects({
    metadata: metadata.store,
    blobs,
    provider,
    nonces: metadata.nonces,
    clock,
    onBackgroundError: (err) => log.error({ err }, 'background work failed'),
    keepOrphans: acceptLoss,
  })
  scope.defer(() => objects.close())

  const control = createControlListener({
    apis: [...iamApis(iam), keyProtectApi({ kms, verifyToken: iam.verifyToken })],
    health: {
      live: () => ({ ok: true }),
      ready: () => (state === 'serving' ? { ok: true } : { ok: false, problems: [state] }),
    },
    logger: log,
  })
  const s3 = createS3Server(
    createS3Handler({
      objects,
      iam,
      clock,
      domains: config['s3.domain'],
      settings: { region: config['s3.region'], serviceRootKeyCrn },
      log: {
        access: (entry) => log.info(entry, entry.operation),
        fault: (entry, err) => log.error({ ...entry, err }, 'request failed'),
      },
    }),
    { maxConnections: config['s3.max-connections'] },
  )
  const drainS3 = drainable(s3)
  const drainControl = drainable(control.server)
  const resources = scope.move()

  return {
    listen: async () => {
      const s3Address = await listen(s3, config['s3.listen'])
      const controlAddress = await control.listen(config['control.listen'])
      // Not before: a start that fails at a taken port would make credentials that nobody has seen.
      const credentials = await firstStart(iam)
      state = 'serving'
      return { s3: s3Address, control: controlAddress, firstStart: credentials }
    },
    close: async (graceMs) => {
      state = 'draining'
      // The control listener stays until then, to say that this server is not ready any more.
      await drainS3(graceMs)
      await drainControl(Math.min(graceMs, CONTROL_DRAIN_MS))
      await resources.disposeAsync()
    },
    instanceKey: { created: instanceKey.created, origin: instanceKey.origin, file: keyFile },
    swept: objects.swept,
    objects,
    blobs,
  }
}

const kmsSettings = (config: Config) => ({
  ...DEFAULT_KMS_SETTINGS,
  enableDelayMs: config['kms.enable-delay-ms'],
  restoreDelayMs: config['kms.restore-delay-ms'],
  rotateIntervalMs: config['kms.rotate-interval-ms'],
  restoreWindowMs: config['kms.restore-window-ms'],
})

async function listen(server: Server, { host, port }: Address): Promise<Address> {
  server.listen({ host, port })
  await once(server, 'listening')
  const bound = server.address()
  return typeof bound === 'object' && bound ? { host, port: bound.port } : { host, port }
}
