import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CodedError } from '../base/errors.ts'

export interface DataDirectoryLock {
  readonly release: () => void
}

export type LockErrorCode = 'StoreLocked'

/**
 * Takes the data directory for this process. The kernel holds the lock (SQLite's byte-range lock on the empty file
 * `coffer.lock`) and drops it when the process dies, however it dies; `coffer.pid` only says whom to look for.
 * Throws StoreLocked, naming the holder's process id, when another process or another caller in this one has it.
 */
export function lockDataDirectory(directory: string): DataDirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(directory, 'coffer.lock'), { timeout: 0 })
  try {
    // Nothing is ever written to it, so it needs no journal file.
    lock.exec('PRAGMA journal_mode = MEMORY')
    lock.exec('BEGIN IMMEDIATE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new CodedError<LockErrorCode>('StoreLocked', `${directory} is in use by ${holderOf(directory)}`, {
      cause: error,
    })
  }
  writeFileSync(pidFile(directory), `${process.pid} ${new Date().toISOString()}\n`, { mode: 0o600 })
  return { release: () => lock.close() }
}

const pidFile = (directory: string): string => join(directory, 'coffer.pid')

// SQLITE_BUSY is 5; extended codes keep it in their low byte.
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5

function holderOf(directory: string): string {
  try {
    const [pid, since] = readFileSync(pidFile(directory), 'utf8').trim().split(' ')
    return pid && since ? `process ${pid} (since ${since})` : 'another process'
  } catch {
    return 'another process'
  }
}
