import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { NonceSource } from '../base/nonces.ts'
import { type InstanceKey, openInstanceKey } from '../envelope/instance-key.ts'
import { logMark } from '../envelope/log-mark.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import { KMS_SPACE } from '../kms/keyspace.ts'
import type { Logger } from '../observe/logger.ts'
import { nodeFs } from '../storage/blob/disk-fs.ts'
import { freeSpace } from '../storage/blob/free-space.ts'
import { lockDataDirectory } from '../storage/lock.ts'
import { type LevelStore, openLevelStore } from '../storage/metadata/level-store.ts'
import type { MetadataStore, Space } from '../storage/metadata/metadata-store.ts'
import { openNonceSource } from '../storage/metadata/nonce-source.ts'
import { reservedStore } from '../storage/metadata/reserved-store.ts'
import { sealedStore } from '../storage/metadata/sealed-store.ts'
import { openDataDirectory, refuseKeyInside } from './data-directory.ts'
import { type Restored, readRestored, refuseUnfinishedRestore } from './restored.ts'
import type { Config } from './settings.ts'
import type { StorageMetrics } from './storage-metrics.ts'
import { prepareStores, type StoreName } from './stores.ts'
import type { Threads } from './threads/owner.ts'

/** What every room stands on: the data directory, locked; the key that seals it; its stores. */
export interface Foundation {
  readonly dataDir: string
  readonly instanceKey: InstanceKey
  /** Undefined when a passphrase seals the instance key. */
  readonly keyFile: string | undefined
  /** The backup that the directory was put back from, at the first start since. */
  readonly restored?: Restored
  /** What it opens is closed with the scope. */
  readonly openStore: (name: StoreName) => Promise<OpenStore>
}

export interface ServedFoundation extends Foundation {
  /** The stores that are open, as they are on the disk. */
  readonly levels: ReadonlyMap<StoreName, Pick<LevelStore, 'storedRows' | 'tableFaults' | 'memoryBytes'>>
}

export interface OpenStore {
  /** Its values reach the disk encrypted. */
  readonly store: MetadataStore
  readonly nonces: NonceSource
}

export interface FoundationOptions {
  readonly config: Config
  readonly log: Logger
  readonly scope: AsyncDisposableStack
  readonly onStoreFailure: (error: Error) => void
  /** A start makes little, and must succeed on a full disk, so that something can be deleted. */
  readonly isStarting: () => boolean
  /** Have the stores open, too. */
  readonly threads: Pick<Threads, 'sharing' | 'opened'> | undefined
  readonly onGroup: StorageMetrics['onGroup']
}

/**
 * Rows that a client may make without end. An alias or a registration is not made often, is of a key, and a key that
 * could not be written is out of use.
 */
const GROWING: Readonly<Record<StoreName, (space: Space) => boolean>> = {
  iam: () => true,
  kms: (space) => space === KMS_SPACE.key,
  metadata: () => true,
}

export async function layFoundation(options: FoundationOptions): Promise<ServedFoundation> {
  const { config, log, scope, onStoreFailure, isStarting, threads, onGroup } = options
  const dataDir = await openDataDirectory(config['data-dir'])
  const passphrase = config['instance-passphrase']?.reveal()
  const keyFile = passphrase === undefined ? (config['instance-key-file'] ?? `${dataDir}.key`) : undefined
  if (keyFile !== undefined) await refuseKeyInside(keyFile, dataDir)
  const lock = lockDataDirectory(dataDir)
  scope.defer(() => lock.release())
  await refuseUnfinishedRestore(dataDir)
  const restored = await readRestored(dataDir, log)

  const sealFile = join(dataDir, 'instance-key.json')
  await prepareStores(dataDir, sealFile, config.only)
  const instanceKey = scope.use(
    await openInstanceKey({
      sealFile,
      ...(keyFile === undefined ? {} : { keyFile, generateKeyFile: true }),
      ...(passphrase === undefined ? {} : { passphrase }),
    }),
  )

  const acceptLoss = config['accept-metadata-loss']
  if (acceptLoss) log.warn('lost metadata is accepted: nothing is swept while this is set')
  const onLoss = (err: Error): void =>
    log.error({ err }, `METADATA IS LOST, and going on was asked for: ${err.message}`)

  const levels = new Map<StoreName, LevelStore>()
  const openStore = async (name: StoreName): Promise<OpenStore> => {
    const directory = join(dataDir, name)
    const root = instanceKey.derive('records')
    const raw = await openLevelStore(directory, {
      mark: logMark(root, name),
      onFailure: onStoreFailure,
      onWitnessError: (err) => log.warn({ err }, `how far ${name}/ goes cannot be noted beside it; it is tried again`),
      ...(acceptLoss ? { onLoss } : {}),
      shared: threads?.sharing(name),
      onGroup: onGroup(name),
    })
    scope.defer(() => raw.close())
    levels.set(name, raw)
    const nonces = await openNonceSource(raw)
    const free = freeSpace({ disk: nodeFs, directory, reserveBytes: config['disk.reserve-bytes'], clock: systemClock })
    const space = {
      ensure: async (bytes: number) => (isStarting() ? undefined : free.ensure(bytes)),
      took: free.took,
    }
    const reserved = reservedStore(raw, { space, growing: GROWING[name] })
    scope.defer(() => reserved.close())
    // Each store numbers its own epochs, so each has a label of its own under the same root.
    const cipher = recordCipher(root, nonces, `records/${name}`)
    threads?.opened(name, raw, reserved, nonces.follow)
    return { store: sealedStore(reserved, cipher), nonces }
  }
  return { dataDir, instanceKey, keyFile, ...(restored ? { restored } : {}), levels, openStore }
}
