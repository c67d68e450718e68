import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hasCode } from '../../base/errors.ts'
import { hasErrno } from '../errno.ts'
import { readLogs, readManifest } from './level-files.ts'
import { surveyTables } from './level-tables.ts'
import { surveyLogs } from './log-damage.ts'
import type { LogMark } from './log-mark.ts'
import { readWitness, witnessFile } from './witness-file.ts'

/** What is wrong with a file of a store. */
export interface LevelFault {
  readonly kind: 'missing' | 'table' | 'log' | 'cut'
  /** In the directory of the store, or beside it. */
  readonly file: string
  readonly offset?: number
  readonly damage: string
}

export interface LevelSurvey {
  readonly faults: readonly LevelFault[]
  readonly tables: number
  readonly bytes: number
}

/**
 * Looks at all files of a store that nobody has open, where an opening stops at the first that is wrong. Without its `mark`
 * nobody knows whether the witness can be believed, nor whether what looks like a batch behind the end of a log is one.
 */
export async function surveyLevel(directory: string, mark?: LogMark): Promise<LevelSurvey> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  const nothing = { tables: 0, bytes: 0 }
  const missing = (file: string, damage: string): LevelSurvey => ({
    faults: [{ kind: 'missing', file, damage }],
    ...nothing,
  })
  if (!names) return missing('', 'the store is not there')
  const witness = await witnessed(directory, mark)
  if (!names.includes('CURRENT')) return missing('CURRENT', 'the store has lost its file CURRENT, or all of its files')
  const { logNumber, tables, damagedAt } = await readManifest(directory)
  if (logNumber === 0) return missing('MANIFEST', 'the manifest that CURRENT names cannot be read')
  if (damagedAt !== undefined) {
    const file = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
    const damage = `the manifest is damaged at byte ${damagedAt}`
    return { faults: [{ kind: 'missing', file, offset: damagedAt, damage }], ...nothing }
  }
  const surveyed = await surveyTables(directory, names, tables)
  const faults: LevelFault[] = surveyed.faults.map((fault) => ({
    kind: 'table',
    ...fault,
    damage: `the store ${fault.damage}`,
  }))
  const logs = await readLogs(directory, names, logNumber)
  if (logs[0]?.number !== logNumber) {
    const file = `${String(logNumber).padStart(6, '0')}.log`
    faults.push({ kind: 'log', file, damage: 'the log is not there, and with it acknowledged writes' })
  }
  const logged = surveyLogs(logs, mark ?? (() => Buffer.alloc(16)))
  if (logged.damage) {
    const certain = mark ? '' : ' (only the instance key tells this from a power cut for certain)'
    const { name, offset } = logged.damage
    const damage = `the log is damaged before its end, and with it acknowledged writes are lost${certain}`
    faults.push({ kind: 'log', file: name, offset, damage })
  }
  if (witness instanceof Error)
    faults.push({ kind: 'cut', file: basename(witnessFile(directory)), damage: witness.message })
  else if (
    witness !== undefined &&
    mark &&
    !logged.unmarked &&
    surveyed.sequence !== 'unknown' &&
    faults.length === 0
  ) {
    const reached = Math.max(surveyed.sequence ?? 0, logged.sequence ?? 0)
    if (reached < witness) {
      const damage = `the store goes to write ${reached}, and write ${witness} was durable: its end is lost`
      faults.push({ kind: 'cut', file: logs.at(-1)?.name ?? '', damage })
    }
  }
  return { faults, tables: tables.size, bytes: [...tables.values()].reduce((sum, length) => sum + length, 0) }
}

/** An error: there is one that cannot be believed. */
async function witnessed(directory: string, mark: LogMark | undefined): Promise<number | Error | undefined> {
  if (!mark) return undefined
  try {
    return await readWitness(directory, mark)
  } catch (error) {
    if (hasCode(error, 'MetadataCorrupt')) return error
    throw error
  }
}
