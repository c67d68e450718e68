import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { corrupt } from './level-format.ts'
import { findLogDamage, type LogFile } from './log-damage.ts'
import type { LogMark } from './log-mark.ts'
import { FIRST, FULL, logParts } from './log-parts.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'

export interface LevelFiles {
  /** There is no store here yet. */
  readonly isNew: boolean
  /** Acknowledged writes are lost, and LevelDB would open without a word about it. */
  readonly loss: CodedError<MetadataStoreErrorCode> | undefined
}

/**
 * Looks at the files of a store before LevelDB does, which would put a new store in the place of one without `CURRENT`,
 * and passes over logs that are damaged or missing. Changes nothing. Throws MetadataCorrupt.
 */
export async function inspectLevelFiles(directory: string, mark: LogMark): Promise<LevelFiles> {
  const names = await readdir(directory)
  if (!names.includes('CURRENT')) {
    if (!names.some(isStored)) return { isNew: true, loss: undefined }
    throw corrupt(
      `the metadata store ${directory} has lost its file CURRENT: restore the whole data directory from a backup. Nothing in it was changed`,
    )
  }
  const needed = await firstLogNumber(directory)
  const logs = await readLogs(directory, names, needed)
  if (needed > 0 && logs[0]?.number !== needed) return { isNew: false, loss: lossOf(directory, 'has lost a log') }
  const damage = findLogDamage(logs, mark)
  return {
    isNew: false,
    loss: damage && lossOf(directory, `is damaged at byte ${damage.offset} of ${damage.name}`),
  }
}

/** A start that ends while it makes a store leaves the first manifest and nothing else. */
const isStored = (name: string): boolean =>
  /\.(ldb|sst|log)$/.test(name) || (name.startsWith('MANIFEST-') && name !== 'MANIFEST-000001')

/** Logs with smaller numbers are in the tables. 0 when that is not known; whether the manifest is whole LevelDB finds out. */
async function firstLogNumber(directory: string): Promise<number> {
  const manifest = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
  if (!/^MANIFEST-\d+$/.test(manifest)) return 0
  const bytes = await readFile(join(directory, manifest)).catch(() => Buffer.alloc(0))
  let number = 0
  for (const { type, data } of logParts(bytes)) {
    // Tables' bounds are names that clients chose: nothing behind damage may be taken for an edit.
    if (type === undefined) break
    if (type === FULL || type === FIRST) number = logNumberIn(data) ?? number
  }
  return number
}

const COMPARATOR = 1
const LOG_NUMBER = 2

/** A version edit has the name of the comparator first and the number of the log next, each if at all. */
function logNumberIn(edit: Buffer): number | undefined {
  const at = edit[0] === COMPARATOR ? 2 + (edit[1] ?? 0) : 0
  return edit[at] === LOG_NUMBER ? varint(edit.subarray(at + 1)) : undefined
}

function varint(bytes: Buffer): number {
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    if (byte < 0x80) break
    scale *= 0x80
  }
  return value
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
    `the metadata store ${store} ${what}, and with it acknowledged writes: restore the whole data directory from a backup. Nothing in it was changed`,
    { details: { lossIn: store } },
  )
