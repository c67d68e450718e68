import { access, constants, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CodedError } from '../base/errors.ts'
import { logMark } from '../envelope/log-mark.ts'
import { recordCipher } from '../envelope/record-cipher.ts'
import { hasErrno } from '../storage/errno.ts'
import { lockDataDirectory } from '../storage/lock.ts'
import { copyLevelStore } from '../storage/metadata/level-copy.ts'
import { openLevelStore } from '../storage/metadata/level-store.ts'
import { openNonceSource } from '../storage/metadata/nonce-source.ts'
import { sealedStore } from '../storage/metadata/sealed-store.ts'
import { witnessFile } from '../storage/metadata/witness-file.ts'
import type { Foundation } from './foundation.ts'
import { givenInstanceKey, keyFileOf, sealFileOf } from './given-instance-key.ts'
import type { Config } from './settings.ts'
import type { StoreName } from './stores.ts'

export type StoredDataErrorCode =
  /** No data directory, or nothing in it. */
  'NoStore'

/** A data directory of a server that does not run. Nothing in it is changed but `coffer.pid`. */
export interface StoredData extends Foundation {
  /** The metadata stores that are there. */
  readonly stores: readonly StoreName[]
  /** Those that are not there, and were. */
  readonly missing: readonly StoreName[]
}

const STORES: readonly StoreName[] = ['iam', 'kms', 'metadata']

/**
 * Takes the data directory, so that no server starts meanwhile. Throws NoStore, and StoreLocked while a server runs. One that
 * cannot be written, say a backup that is mounted so, needs no lock.
 */
export async function takeStoredData(given: string, scope: DisposableStack | AsyncDisposableStack): Promise<string> {
  const dataDir = resolve(given)
  if (!(await exists(sealFileOf(dataDir)))) {
    throw new CodedError<StoredDataErrorCode>('NoStore', `there is no store in ${dataDir}: no instance-key.json`)
  }
  try {
    await access(dataDir, constants.W_OK)
  } catch (error) {
    if (hasErrno(error, 'EROFS', 'EACCES')) return dataDir
    throw error
  }
  const lock = lockDataDirectory(dataDir)
  scope.defer(() => lock.release())
  return dataDir
}

/**
 * Opens what a stopped server has stored, with its instance key, for rooms that stand on a foundation. Its metadata stores
 * are copies in a scratch directory, whose tables are links: whatever is written to them goes with the scope. Throws as
 * takeStoredData, and an InstanceKeyErrorCode. `openStore` throws as openLevelStore; with `onLoss` it opens a store that has
 * lost its end, too.
 */
export async function openStoredData(
  config: Pick<Config, 'data-dir' | 'instance-key-file' | 'instance-passphrase'>,
  scope: AsyncDisposableStack,
  { onLoss }: { readonly onLoss?: (loss: Error) => void } = {},
): Promise<StoredData> {
  const dataDir = await takeStoredData(config['data-dir'], scope)
  const keyFile = config['instance-passphrase'] === undefined ? keyFileOf(config, dataDir) : undefined
  const instanceKey = scope.use(await givenInstanceKey(config, dataDir))
  const scratch = await scratchDirectory(scope)
  return {
    dataDir,
    instanceKey,
    keyFile,
    ...(await storesIn(dataDir)),
    openStore: async (name) => {
      const root = instanceKey.derive('records')
      await copyLevelStore(join(dataDir, name), join(scratch, name))
      const raw = await openLevelStore(join(scratch, name), {
        mark: logMark(root, name),
        onFailure: () => {},
        ...(onLoss ? { onLoss } : {}),
      })
      scope.defer(() => raw.close())
      const nonces = await openNonceSource(raw)
      return { store: sealedStore(raw, recordCipher(root, nonces, `records/${name}`)), nonces }
    },
  }
}

/**
 * What tells that a store was made: its witness; of `iam`, which every server has, that there is a data directory; of
 * `metadata` that there are blobs.
 */
export async function storesIn(dataDir: string): Promise<Pick<StoredData, 'stores' | 'missing'>> {
  const wasMade = async (name: StoreName): Promise<boolean> =>
    name === 'iam' ||
    (await exists(witnessFile(join(dataDir, name)))) ||
    (name === 'metadata' && (await hasEntries(join(dataDir, 'blobs'))))
  const there = await Promise.all(STORES.map((name) => exists(join(dataDir, name))))
  const made = await Promise.all(STORES.map(wasMade))
  return {
    stores: STORES.filter((_, index) => there[index]),
    missing: STORES.filter((_, index) => !there[index] && made[index]),
  }
}

/** Goes with the scope. A process that is killed leaves it: it holds what the metadata directories hold, as sealed as there. */
export async function scratchDirectory(scope: AsyncDisposableStack): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'coffer-scratch-'))
  scope.defer(() => rm(scratch, { recursive: true, force: true }))
  return scratch
}

/** A salvage makes a directory for blobs, also of what has none. */
const hasEntries = async (path: string): Promise<boolean> => (await readdir(path).catch(() => [])).length > 0

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
