import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../../base/errors.ts'
import { corrupt } from './level-format.ts'
import { decodeManifest, type LevelManifest } from './level-manifest.ts'
import { surveyTables, type TablesSurvey } from './level-tables.ts'
import { type LogFile, type LogSurvey, surveyLogs } from './log-damage.ts'
import type { LogMark } from './log-mark.ts'
import type { MetadataStoreErrorCode } from './metadata-store.ts'

export interface LevelFiles {
  /** There is no store here yet. */
  readonly isNew: boolean
  /** Acknowledged writes are lost, and LevelDB would open without a word about it. */
  readonly loss: CodedError<MetadataStoreErrorCode> | undefined
  /** The manifest that is to be named by `CURRENT` again: all that was acknowledged is there by it. */
  readonly renamed?: string
}

export const RESTORE = 'restore the whole data directory from a backup'
const UNTOUCHED = `${RESTORE}. Nothing in it was changed`

/**
 * Looks at the files of a store before LevelDB does, which would put a new store in the place of one without `CURRENT`,
 * passes over logs that are damaged, cut short or missing, and ends the process at a damaged table. `witness`: the sequence
 * number that the store has reached, 0 while it is being made, undefined when nobody knows. Changes nothing. Throws MetadataCorrupt.
 */
export async function inspectLevelFiles(directory: string, mark: LogMark, witness?: number): Promise<LevelFiles> {
  const names = await readdir(directory)
  if (!names.includes('CURRENT')) {
    if (names.some(isStored)) throw corrupt(`the metadata store ${directory} has lost its file CURRENT: ${UNTOUCHED}`)
    if (witness) throw corrupt(`the metadata store ${directory} has lost its files: ${UNTOUCHED}`)
    return { isNew: true, loss: undefined }
  }
  const former = witness === undefined ? undefined : await formerManifest(directory, names)
  const { logNumber, tables, damagedAt } = await readManifest(directory, former)
  if (damagedAt !== undefined) {
    throw corrupt(`the metadata store ${directory} has a manifest that is damaged at byte ${damagedAt}: ${UNTOUCHED}`)
  }
  const tabled = await surveyTables(directory, names, tables, { one: true })
  const [fault] = tabled.faults
  // Not to be accepted: LevelDB would end the process when it met it.
  if (fault) throw corrupt(`the metadata store ${directory} ${fault.damage}: ${UNTOUCHED}`)
  const logs = await readLogs(directory, names, logNumber)
  const lost = (what: string): LevelFiles => ({ isNew: false, loss: lossOf(directory, what) })
  if (logNumber > 0 && logs[0]?.number !== logNumber) return lost('has lost a log')
  const logged = surveyLogs(logs, mark)
  if (logged.damage) return lost(`is damaged at byte ${logged.damage.offset} of ${logged.damage.name}`)
  // Of a manifest that cannot be read LevelDB speaks.
  const missing = logNumber > 0 ? missingEnd(tables.size, tabled.sequence, logged, witness) : undefined
  if (missing !== undefined) return lost(missing)
  return { isNew: false, loss: undefined, ...(former === undefined ? {} : { renamed: former }) }
}

/**
 * LevelDB removes a new manifest when naming it failed, and naming it may have taken place all the same: then `CURRENT` names
 * one that is gone, and the one before it is there. Undefined for any other state.
 */
async function formerManifest(directory: string, names: readonly string[]): Promise<string | undefined> {
  const named = await currentName(directory)
  const [only, ...more] = names.filter((name) => name.startsWith('MANIFEST-'))
  if (only === undefined || more.length > 0 || named === undefined || named === only) return undefined
  return numberOf(only) < numberOf(named) ? only : undefined
}

const numberOf = (manifest: string): number => Number(manifest.slice('MANIFEST-'.length))

async function currentName(directory: string): Promise<string | undefined> {
  const name = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
  return /^MANIFEST-\d+$/.test(name) ? name : undefined
}

/** What the witness tells that the files do not; undefined, too, when they cannot tell before LevelDB has opened them. */
function missingEnd(
  tables: number,
  tabled: TablesSurvey['sequence'],
  { sequence, unmarked }: LogSurvey,
  witness: number | undefined,
): string | undefined {
  if (unmarked || tabled === 'unknown') return undefined
  if (tables === 0 && sequence === undefined) return witness === 0 ? undefined : 'has lost all that was in it'
  return missingAfter(Math.max(tabled ?? 0, sequence ?? 0), witness)
}

/** In words that follow the name of the store; undefined when nothing is known to be missing. */
export const missingAfter = (sequence: number, witness = 0): string | undefined =>
  sequence < witness ? `has lost its end (it goes to write ${sequence}, and write ${witness} was durable)` : undefined

/** A start that ends while it makes a store leaves the first manifest and nothing else. */
const isStored = (name: string): boolean =>
  /\.(ldb|sst|log)$/.test(name) || (name.startsWith('MANIFEST-') && name !== 'MANIFEST-000001')

/** Of the manifest that `CURRENT` names, or of another one. Nothing when it is not there: LevelDB says so. */
export async function readManifest(directory: string, given?: string): Promise<LevelManifest> {
  const name = given ?? (await currentName(directory))
  if (name === undefined) return decodeManifest(Buffer.alloc(0))
  return decodeManifest(await readFile(join(directory, name)).catch(() => Buffer.alloc(0)))
}

interface NumberedLog extends LogFile {
  readonly number: number
}

/** In the order of their writing. At most a few, of the size of LevelDB's write buffer. */
export function readLogs(directory: string, names: readonly string[], from: number): Promise<NumberedLog[]> {
  const logs = names
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, number: Number.parseInt(name, 10) }))
    .filter(({ number }) => number >= from)
    .sort((a, b) => a.number - b.number)
  return Promise.all(logs.map(async (log) => ({ ...log, bytes: await readFile(join(directory, log.name)) })))
}

export const lossOf = (store: string, what: string, remedy = UNTOUCHED): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataCorrupt', `the metadata store ${store} ${what}, and with it acknowledged writes: ${remedy}`, {
    details: { lossIn: store },
  })
