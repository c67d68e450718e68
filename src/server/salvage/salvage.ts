import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { uuidFromBytes } from '../../base/ids.ts'
import type { NonceSource } from '../../base/nonces.ts'
import { logMark } from '../../envelope/log-mark.ts'
import { recordCipher } from '../../envelope/record-cipher.ts'
import { openBuckets } from '../../objects/buckets.ts'
import { keyOfHead, SPACE, splitUploadKey, splitVersionKey } from '../../objects/keyspace.ts'
import { adviseOn, type Finding } from '../../objects/verify/finding.ts'
import { type Repaired, repairRows } from '../../objects/verify/repair-rows.ts'
import { verifyIndex } from '../../objects/verify/verify-index.ts'
import { syncDirectory, syncFile } from '../../storage/directories.ts'
import { hasErrno } from '../../storage/errno.ts'
import { fillLevelStore, openLevelStore } from '../../storage/metadata/level-store.ts'
import { openNonceSource } from '../../storage/metadata/nonce-source.ts'
import { type LostRows, nameOfRow, type SalvagedLevel, salvageLevel } from '../../storage/metadata/salvage-level.ts'
import { sealedStore } from '../../storage/metadata/sealed-store.ts'
import { surveyLevel } from '../../storage/metadata/survey-level.ts'
import { readWitness, writeWitness } from '../../storage/metadata/witness-file.ts'
import type { Config } from '../settings.ts'
import { openStoredData } from '../stored-data.ts'
import type { StoreName } from '../stores.ts'
import { faultProblem, missingProblem } from '../verify/verify-offline.ts'
import { type CopiedFiles, copyBlobs, copyDirectory } from './copy-blobs.ts'

export type SalvageErrorCode = 'SalvageRefused'

export interface SalvageOptions {
  readonly config: Pick<Config, 'data-dir' | 'instance-key-file' | 'instance-passphrase'>
  /** Where the rebuilt data directory is made: not there yet, or empty. */
  readonly to: string
  /** Rows of rights and root keys, too, of which a newer state may be lost. */
  readonly keepDoubtful: boolean
  readonly signal: AbortSignal
  readonly onFinding: (finding: Finding) => void
  readonly onLoss: (loss: Loss) => void
  readonly onProgress: (text: string) => void
}

/** Something that is not in the rebuilt directory, or of an earlier time. */
export interface Loss {
  readonly store: StoreName
  /** `range`: rows were there, nobody knows which. `row`: of an earlier time, and kept. `left-out`: of an earlier time, and not kept. */
  readonly type: 'range' | 'row' | 'left-out'
  readonly file?: string
  readonly what: string
}

export interface SalvageReport {
  readonly stores: Readonly<Record<string, StoreReport>>
  readonly repaired: Repaired | undefined
  readonly blobs: CopiedFiles
}

export interface StoreReport {
  /** It was whole, and was copied. */
  readonly whole: boolean
  readonly rows: number
  readonly rescued: number
  readonly doubtful: number
  readonly leftOut: number
}

/** Copied by itself, or not at all. */
const NOT_COPIED: ReadonlySet<string> = new Set(['coffer.lock', 'coffer.pid', 'iam', 'kms', 'metadata', 'blobs'])
const WITNESS = /\.witness(\.new)?$/

/**
 * Makes a data directory at another place of what can be read of one: stores that are whole as they are, others of the rows that can be
 * found in their files; then writes anew what follows from other rows. Changes nothing of the first one. Throws as openStoredData, and
 * SalvageRefused.
 */
export async function salvage(options: SalvageOptions): Promise<SalvageReport> {
  const { config, onFinding, onProgress, signal } = options
  await using scope = new AsyncDisposableStack()
  const data = await openStoredData(config, scope)
  const to = await emptyPlace(options.to, data.dataDir)
  const stores: Record<string, StoreReport> = {}
  // None is made in its place: no server opens a directory without it.
  for (const name of data.missing) onFinding(adviseOn(missingProblem(name)))
  for (const name of data.stores) {
    onProgress(`the store ${name}`)
    const root = data.instanceKey.derive('records')
    stores[name] = await salvageStore(options, data.dataDir, to, name, root)
  }
  onProgress('blobs')
  const blobs = await copyBlobs(join(data.dataDir, 'blobs'), join(to, 'blobs'))
  const tell = (directory: string, { unreadable }: CopiedFiles): void => {
    for (const { file, bytes } of unreadable) {
      const damage = `the disk cannot read ${bytes} bytes of the file: zeros stand for them in the copy`
      onFinding(adviseOn({ kind: 'content-unreadable', file: `${directory}/${file}`, damage }))
    }
  }
  tell('blobs', blobs)
  onProgress('what else there is')
  for (const entry of await readdir(data.dataDir, { withFileTypes: true })) {
    if (NOT_COPIED.has(entry.name) || WITNESS.test(entry.name)) continue
    const [source, target] = [join(data.dataDir, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) tell(entry.name, await copyDirectory(source, target))
    else if (entry.isFile()) {
      await copyFile(source, target)
      await syncFile(target)
    }
  }
  const repaired = data.stores.includes('metadata')
    ? await repairStore(to, data.instanceKey.derive('records'), signal, onFinding)
    : undefined
  await syncDirectory(to)
  return { stores, repaired, blobs }
}

async function emptyPlace(given: string, dataDir: string): Promise<string> {
  const to = resolve(given)
  const refused = (why: string) =>
    new CodedError<SalvageErrorCode>('SalvageRefused', `${to} ${why}: name another place`)
  const isInside = (inner: string, outer: string) => !relative(outer, inner).startsWith('..')
  if (isInside(to, dataDir) || isInside(dataDir, to))
    throw refused(`and the data directory ${dataDir} lie in one another`)
  const names = await readdir(to).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (names && names.length > 0) throw refused('is not empty')
  if (!names) await mkdir(to, { mode: 0o700, recursive: true })
  return to
}

async function salvageStore(
  { onFinding, onLoss, keepDoubtful }: SalvageOptions,
  dataDir: string,
  to: string,
  name: StoreName,
  root: Buffer,
): Promise<StoreReport> {
  const [from, target] = [join(dataDir, name), join(to, name)]
  const mark = logMark(root, name)
  const { faults } = await surveyLevel(from, mark)
  for (const fault of faults) onFinding(adviseOn(faultProblem(name, fault)))
  const reached = await readWitness(from, mark).catch(() => undefined)
  const salvaged = await salvageLevel(from, {
    mark,
    reached: reached ?? 0,
    isAuthentic: (key, stored, saltOf) => isAuthentic(root, name, key, stored, saltOf),
  })
  for (const range of salvaged.lost) onLoss({ store: name, type: 'range', file: range.file, what: toldOf(range) })
  const { pairs, leftOut } = withoutDoubtful(name, salvaged, keepDoubtful, onLoss)
  await fillLevelStore(target, [pairs])
  await writeWitness(target, salvaged.sequence, mark)
  const { rescued, doubtful } = salvaged
  return { whole: faults.length === 0, rows: pairs.length, rescued, doubtful: doubtful.size, leftOut }
}

function isAuthentic(
  root: Buffer,
  name: StoreName,
  key: Buffer,
  stored: Buffer,
  salt: (epoch: number) => Buffer | undefined,
): boolean {
  const nonces: NonceSource = {
    salt,
    next: () => {
      throw new Error('nothing is sealed here')
    },
  }
  using cipher = recordCipher(root, nonces, `records/${name}`)
  try {
    cipher.open(key, stored.subarray(6))
    return true
  } catch {
    return false
  }
}

/**
 * Rights that were taken, a root key that was disabled: an earlier state of them would give back what somebody took away. Such rows are
 * left out unless they are asked for; of objects and buckets they are kept, but for documents, which say who may come in.
 */
function withoutDoubtful(
  store: StoreName,
  { pairs, doubtful }: SalvagedLevel,
  keep: boolean,
  onLoss: (loss: Loss) => void,
) {
  let leftOut = 0
  const kept = pairs.filter(([key]) => {
    if (!doubtful.has(nameOfRow(key))) return true
    const stays = keep || (store === 'metadata' ? key[0] !== SPACE.document : isMaterial(key))
    if (!stays) leftOut++
    onLoss({ store, type: stays ? 'row' : 'left-out', what: `${rowName(store, key)}: a newer state may be lost` })
    return stays
  })
  return { pairs: kept, leftOut }
}

/** Versions of root keys, and salts: without them nothing opens, and by themselves they allow nothing. */
const isMaterial = (key: Buffer): boolean => key[0] === 33 || key[0] === 254

function toldOf({ after, last }: LostRows): string {
  const from = after === undefined ? 'from the first row' : `behind ${after.toString('hex')}`
  const until = last === undefined ? 'to the last' : `up to ${last.toString('hex')}`
  return `rows were here that cannot be read, ${from} ${until} (space and row key)`
}

function rowName(store: StoreName, key: Buffer): string {
  const [space = 0, row] = [key[0], key.subarray(1)]
  if (store !== 'metadata' || row.length < 17) return `row ${row.toString('hex')} of space ${space}`
  const bucket = () => uuidFromBytes(row.subarray(0, 16))
  if (space === SPACE.head) return `the current version of ${keyOfHead(row)} in bucket ${bucket()}`
  if (space === SPACE.version) return `a version of ${splitVersionKey(row).key} in bucket ${bucket()}`
  if (space === SPACE.upload) return `an upload of ${splitUploadKey(row).key} in bucket ${bucket()}`
  return `row ${row.toString('hex')} of space ${space}`
}

/** What does not follow from other rows is found, and told of. */
async function repairStore(
  to: string,
  root: Buffer,
  signal: AbortSignal,
  onFinding: (finding: Finding) => void,
): Promise<Repaired> {
  const raw = await openLevelStore(join(to, 'metadata'), { mark: logMark(root, 'metadata'), onFailure: () => {} })
  try {
    const nonces = await openNonceSource(raw)
    const metadata = sealedStore(raw, recordCipher(root, nonces, 'records/metadata'))
    const repaired = await repairRows(metadata)
    await verifyIndex({ metadata, buckets: await openBuckets(metadata), signal, onFinding })
    return repaired
  } finally {
    await raw.close()
  }
}
