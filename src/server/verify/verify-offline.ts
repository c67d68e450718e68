import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import type { KeyProvider } from '../../envelope/key-provider.ts'
import { logMark } from '../../envelope/log-mark.ts'
import { bucketKeys } from '../../objects/bucket-keys.ts'
import { currentOf, openBuckets } from '../../objects/buckets.ts'
import { storeItself } from '../../objects/data-key-audit.ts'
import { keyProofs } from '../../objects/key-proofs.ts'
import { findWitnesses } from '../../objects/key-witness.ts'
import { bytePace } from '../../objects/verify/byte-pace.ts'
import { adviseOn, type Finding, type Problem } from '../../objects/verify/finding.ts'
import { noCounts, type VerifyCounts, verifyContents } from '../../objects/verify/verify-contents.ts'
import { verifyIndex } from '../../objects/verify/verify-index.ts'
import { verifyRows } from '../../objects/verify/verify-rows.ts'
import { noAudit } from '../../observe/audit-trail.ts'
import type { Logger } from '../../observe/logger.ts'
import { failure } from '../../providers/common/failure.ts'
import { type LevelFault, surveyLevel } from '../../storage/metadata/survey-level.ts'
import type { Config } from '../settings.ts'
import { openStoredData, type StoredData } from '../stored-data.ts'
import { openStoredKeys } from '../stored-keys.ts'
import type { StoreName } from '../stores.ts'
import { readVerifyState, removeVerifyState, type VerifyState, writeVerifyState } from './state-file.ts'
import { findOrphans, type Orphans, openStoredBlobs } from './stored-blobs.ts'

export interface OfflineOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  /** 0: as fast as it goes. */
  readonly mibPerSecond: number
  readonly checksums: boolean
  /** Where it is noted how far it has come, until it has come to its end. */
  readonly stateFile: string | undefined
  readonly signal: AbortSignal
  readonly onFinding: (finding: Finding) => void
  readonly onProgress: (progress: OfflineProgress) => void
}

export interface OfflineProgress {
  readonly phase: 'stores' | 'contents' | 'index' | 'orphans'
  readonly counts: VerifyCounts
  readonly bytesRead: number
}

export interface OfflineReport {
  /** False: it was ended before. */
  readonly complete: boolean
  /** It went on from a state file. */
  readonly resumed: boolean
  readonly counts: VerifyCounts
  readonly bytesRead: number
  /** Undefined where rows could not be looked at. */
  readonly orphans: Orphans | undefined
  /** Metadata stores that could not be opened: nothing is known of what they say. */
  readonly unopened: readonly StoreName[]
}

const SAVE_MS = 2000

/** Everything in the data directory of a stopped server, with its instance key. Changes nothing. Throws as openStoredData. */
export async function verifyOffline(options: OfflineOptions): Promise<OfflineReport> {
  const { config, clock, signal, onFinding, onProgress, stateFile, checksums } = options
  await using scope = new AsyncDisposableStack()
  // What is lost is told by the survey, exactly.
  const data = await openStoredData(config, scope, { onLoss: () => {} })
  const keyId = data.instanceKey.id
  const saved = stateFile === undefined ? undefined : await readVerifyState(stateFile, keyId)
  const counts = saved?.counts ?? noCounts()
  const pace = bytePace(options.mibPerSecond, signal)
  const bytesRead = () => (saved?.bytesRead ?? 0) + pace.taken()
  const progress = (phase: OfflineProgress['phase']): void => onProgress({ phase, counts, bytesRead: bytesRead() })

  progress('stores')
  const broken = await surveyStores(data, onFinding)
  for (const finding of saved?.findings ?? []) onFinding(finding)
  const provider = await openProvider(options, data, broken, scope)
  const report = { resumed: saved !== undefined, counts, unopened: [...broken] }
  if (!data.stores.includes('metadata') || broken.has('metadata')) {
    return { ...report, complete: !signal.aborted, bytesRead: bytesRead(), orphans: undefined }
  }
  const { store: metadata, nonces } = await data.openStore('metadata')
  const buckets = await openBuckets(metadata)
  await verifyRows(metadata, buckets, clock, onFinding)
  const proofs = keyProofs({
    ...{ provider, buckets, clock, onChange: () => {}, onOutdated: () => {}, onServed: () => {} },
    store: async () => 'absent',
    witnesses: (bucketId, slot, limit) => findWitnesses(metadata, bucketId, slot, limit),
  })
  const keys = bucketKeys(
    { provider, nonces, audit: noAudit, proofs, current: currentOf(buckets) },
    storeItself('store.verify'),
  )
  const blobs = openStoredBlobs(data.dataDir, config['storage-classes'], scope)
  const checking = { metadata, keys, blobs, checksums, pace: pace.take }

  const findings: Finding[] = [...(saved?.findings ?? [])]
  let savedAtMs = performance.now()
  let cursor = saved?.cursor
  const save = async (): Promise<void> => {
    if (stateFile === undefined || !cursor) return
    const state: VerifyState = { cursor, counts, bytesRead: bytesRead(), findings }
    await writeVerifyState(stateFile, keyId, state)
    savedAtMs = performance.now()
  }
  const whole = await verifyContents({
    ...{ checking, buckets, counts, from: saved?.cursor, signal },
    onFinding: (finding) => {
      findings.push(finding)
      onFinding(finding)
    },
    onProgress: async (at) => {
      cursor = at
      progress('contents')
      if (performance.now() - savedAtMs > SAVE_MS) await save()
    },
  })
  await save()
  if (!whole) return { ...report, complete: false, bytesRead: bytesRead(), orphans: undefined }
  progress('index')
  const indexed = await verifyIndex({ metadata, buckets, signal, onFinding })
  progress('orphans')
  const orphans = indexed ? await findOrphans(metadata, blobs, signal, onFinding) : undefined
  const complete = !signal.aborted
  if (complete && stateFile !== undefined) await removeVerifyState(stateFile)
  return { ...report, complete, bytesRead: bytesRead(), orphans }
}

const KINDS = { missing: 'store-missing', table: 'table-damaged', log: 'log-damaged', cut: 'store-cut' } as const

/** What is wrong with the files of a store. */
export const faultProblem = (store: StoreName, { kind, file, offset, damage }: LevelFault): Problem => ({
  kind: KINDS[kind],
  file: kind === 'cut' && file.endsWith('.witness') ? file : `${store}/${file}`,
  ...(offset === undefined ? {} : { offset }),
  damage,
})

export const missingProblem = (store: StoreName): Problem => ({
  kind: 'store-missing',
  file: `${store}/`,
  damage: `the store ${store} was here, and is not`,
})

/** The stores that cannot be opened. */
async function surveyStores(
  { dataDir, stores, missing, instanceKey }: StoredData,
  onFinding: (finding: Finding) => void,
): Promise<Set<StoreName>> {
  const broken = new Set<StoreName>(missing)
  for (const name of missing) onFinding(adviseOn(missingProblem(name)))
  for (const name of stores) {
    const root = instanceKey.derive('records')
    const { faults } = await surveyLevel(join(dataDir, name), logMark(root, name))
    for (const fault of faults) {
      onFinding(adviseOn(faultProblem(name, fault)))
      if (fault.kind === 'missing' || fault.kind === 'table') broken.add(name)
    }
  }
  return broken
}

/** Where keys and identities cannot be read, nothing can be opened; what is not opened is no damage of its own. */
async function openProvider(
  { config, clock, log, onFinding }: OfflineOptions,
  data: StoredData,
  broken: ReadonlySet<StoreName>,
  scope: AsyncDisposableStack,
): Promise<KeyProvider> {
  if (broken.has('iam') || broken.has('kms')) return noProvider
  const kinds = { iam: 'identity-damaged', kms: 'root-key-damaged' } as const
  try {
    const { provider } = await openStoredKeys({
      ...{ config, data, clock, log, scope },
      onDamage: ({ store, what }) =>
        onFinding(adviseOn({ kind: kinds[store], damage: `${what} cannot be read, in the store ${store}` })),
    })
    return provider
  } catch (error) {
    if (!hasCode(error)) throw error
    onFinding(adviseOn({ kind: 'root-key-damaged', damage: `identities and keys cannot be opened: ${error.message}` }))
    return noProvider
  }
}

const refuse = async (): Promise<never> => {
  throw failure('KeyProviderUnavailable')
}

const noProvider: KeyProvider = {
  name: 'none',
  supports: { rewrap: false, aad: true, versions: true, registrations: false },
  derivesWrapKeys: () => true,
  ...{ wrap: refuse, unwrap: refuse, rewrap: refuse, permit: refuse, describe: refuse, find: refuse },
  ...{ register: refuse, deregister: refuse },
  close: async () => {},
}
