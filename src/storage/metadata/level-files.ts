import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { corrupt } from './level-format.ts'
import { decodeManifest, type LevelManifest } from './level-manifest.ts'
import { findDamagedTable } from './level-tables.ts'
import { findLogDamage, type LogFile } from './log-damage.ts'
import type { LogMark } from './log-mark.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'

export interface LevelFiles {
  /** There is no store here yet. */
  readonly isNew: boolean
  /** Acknowledged writes are lost, and LevelDB would open without a word about it. */
  readonly loss: CodedError<MetadataStoreErrorCode> | undefined
}

const RESTORE = 'restore the whole data directory from a backup. Nothing in it was changed'

/**
 * Looks at the files of a store before LevelDB does, which would put a new store in the place of one without `CURRENT`,
 * passes over logs that are damaged or missing, and ends the process at a damaged table. Changes nothing. Throws MetadataCorrupt.
 */
export async function inspectLevelFiles(directory: string, mark: LogMark): Promise<LevelFiles> {
  const names = await readdir(directory)
  if (!names.includes('CURRENT')) {
    if (!names.some(isStored)) return { isNew: true, loss: undefined }
    throw corrupt(`the metadata store ${directory} has lost its file CURRENT: ${RESTORE}`)
  }
  const { logNumber, tables } = await readManifest(directory)
  const wrong = await findDamagedTable(directory, names, tables)
  // Not to be accepted: LevelDB would end the process when it met it.
  if (wrong !== undefined) throw corrupt(`the metadata store ${directory} ${wrong}: ${RESTORE}`)
  const logs = await readLogs(directory, names, logNumber)
  if (logNumber > 0 && logs[0]?.number !== logNumber) return { isNew: false, loss: lossOf(directory, 'has lost a log') }
  const damage = findLogDamage(logs, mark)
  return {
    isNew: false,
    loss: damage && lossOf(directory, `is damaged at byte ${damage.offset} of ${damage.name}`),
  }
}

/** A start that ends while it makes a store leaves the first manifest and nothing else. */
const isStored = (name: string): boolean =>
  /\.(ldb|sst|log)$/.test(name) || (name.startsWith('MANIFEST-') && name !== 'MANIFEST-000001')

/** Nothing when it is not there: LevelDB says so. */
async function readManifest(directory: string): Promise<LevelManifest> {
  const name = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
  if (!/^MANIFEST-\d+$/.test(name)) return { logNumber: 0, tables: new Map() }
  return decodeManifest(await readFile(join(directory, name)).catch(() => Buffer.alloc(0)))
}

interface NumberedLog extends LogFile {
  readonly number: number
}

/** In the order of their writing. At most a few, of the size of LevelDB's write buffer. */
function readLogs(directory: string, names: readonly string[], from: number): Promise<NumberedLog[]> {
  const logs = names
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= from)
    .sort((a, b) => a.number - b.number)
  return Promise.all(logs.map(async (log) => ({ ...log, bytes: await readFile(join(directory, log.name)) })))
}

const lossOf = (store: string, what: string): CodedError<MetadataStoreErrorCode> =>
  new CodedError(
    'MetadataCorrupt',
    `the metadata store ${store} ${what}, and with it acknowledged writes: ${RESTORE}`,
    { details: { lossIn: store } },
  )
