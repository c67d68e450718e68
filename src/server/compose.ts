import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join, resolve } from 'node:path'
import { createControlListener } from '../api/common/listener.ts'
import { iamApis } from '../api/iam/apis.ts'
import { keyProtectApi } from '../api/key-protect/api.ts'
import { createS3Handler } from '../api/s3/handler.ts'
import { createS3Server } from '../api/s3/listener.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { newLease } from '../base/ids.ts'
import { cachedProvider } from '../envelope/cached-provider.ts'
import { type InstanceKey, openInstanceKey } from '../envelope/instance-key.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import { applyBootstrap } from '../iam/bootstrap.ts'
import { type FirstStart, firstStart } from '../iam/first-start.ts'
import { openIam } from '../iam/iam.ts'
import { openKms } from '../kms/service.ts'
import { DEFAULT_KMS_SETTINGS } from '../kms/settings.ts'
import { type Objects, openObjects } from '../objects/objects.ts'
import type { Logger } from '../observe/logger.ts'
import { KEY_PROVIDERS } from '../providers/index.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { openDiskStore } from '../storage/blob/disk-store.ts'
import { lockDataDirectory } from '../storage/lock.ts'
import { openLevelStore } from '../storage/metadata/level-store.ts'
import { openNonceSource } from '../storage/metadata/nonce-source.ts'
import { sealedStore } from '../storage/metadata/sealed-store.ts'
import type { Address, Config } from './settings.ts'

export interface House {
  /** Binds both listeners; port 0 takes a free one. */
  readonly listen: () => Promise<{ readonly s3: Address; readonly control: Address }>
  /** Stops accepting, lets what runs finish for `graceMs`, then closes the stores. */
  readonly close: (graceMs: number) => Promise<void>
  /** Credentials of the first start, in clear, once. */
  readonly firstStart: FirstStart | undefined
  readonly instanceKey: Pick<InstanceKey, 'created' | 'origin'> & { readonly file: string | undefined }
  /** Resolves when what earlier runs left on the disk is removed. */
  readonly swept: Promise<void>
  /** Beneath the protocols: for what an operator or a test must see and no client may. */
  readonly objects: Objects
  readonly blobs: BlobStore
}

export interface HouseOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock?: Clock
  /** A store can no longer be trusted with writes: the process should end and be started again. */
  readonly onStoreFailure: (error: Error) => void
}

const KMS_SWEEP_EVERY_MS = 3_600_000

/** The one room where everything is made and handed to what needs it. */
export async function openHouse({ config, log, clock = systemClock, onStoreFailure }: HouseOptions): Promise<House> {
  await using scope = new AsyncDisposableStack()
  const dataDir = resolve(config['data-dir'])
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const lock = lockDataDirectory(dataDir)
  scope.defer(() => lock.release())

  const keyFile =
    config['instance-passphrase'] === undefined ? (config['instance-key-file'] ?? `${dataDir}.key`) : undefined
  const instanceKey = scope.use(
    await openInstanceKey({
      sealFile: join(dataDir, 'instance-key.json'),
      ...(keyFile === undefined ? {} : { keyFile, generateKeyFile: true }),
      ...(config['instance-passphrase'] === undefined ? {} : { passphrase: config['instance-passphrase'] }),
    }),
  )

  const openStore = async (name: string) => {
    const raw = await openLevelStore(join(dataDir, name), { onFailure: onStoreFailure })
    scope.defer(() => raw.close())
    const nonces = await openNonceSource(raw)
    // Each store numbers its own epochs, so each has a label of its own under the same root.
    return { store: sealedStore(raw, recordCipher(instanceKey.derive('records'), nonces, `records/${name}`)), nonces }
  }

  const iamStore = await openStore('iam')
  const iam = await openIam({
    store: iamStore.store,
    secretKey: instanceKey.derive('iam'),
    tokenKey: instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
  })
  if (config['bootstrap-file'] !== undefined) await applyBootstrap(iam, await readBootstrap(config['bootstrap-file']))
  const credentials = await firstStart(iam)

  const kmsStore = await openStore('kms')
  const kms = await openKms({
    store: kmsStore.store,
    sealingKey: instanceKey.derive('kms'),
    iam,
    clock,
    settings: kmsSettings(config),
    audit: (event) => log.debug({ audit: event }, event.action),
  })
  scope.defer(() => kms.close())
  const sweepKeys = setInterval(
    () => void kms.sweep().catch((err: unknown) => log.error({ err }, 'key sweep failed')),
    KMS_SWEEP_EVERY_MS,
  )
  sweepKeys.unref()
  scope.defer(() => clearInterval(sweepKeys))
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
  })
  scope.defer(() => objects.close())

  let draining = false
  const control = createControlListener({
    apis: [...iamApis(iam), keyProtectApi({ kms, verifyToken: iam.verifyToken })],
    health: {
      live: () => ({ ok: true }),
      ready: () => (draining ? { ok: false, problems: ['draining'] } : { ok: true }),
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
  )
  const resources = scope.move()

  return {
    listen: async () => ({
      s3: await listen(s3, config['s3.listen']),
      control: await control.listen(config['control.listen']),
    }),
    close: async (graceMs) => {
      draining = true
      await Promise.all([closeServer(s3, graceMs), control.close(graceMs)])
      await resources.disposeAsync()
    },
    firstStart: credentials,
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

async function readBootstrap(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new CodedError('BootstrapInvalid', `the bootstrap file ${path} cannot be read`, { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CodedError('BootstrapInvalid', `the bootstrap file ${path} is not JSON`, { cause })
  }
}

async function listen(server: Server, { host, port }: Address): Promise<Address> {
  server.listen({ host, port })
  await once(server, 'listening')
  const bound = server.address()
  return typeof bound === 'object' && bound ? { host, port: bound.port } : { host, port }
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}
