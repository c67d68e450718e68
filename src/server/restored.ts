import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import type { Logger } from '../observe/logger.ts'
import { syncDirectory } from '../storage/directories.ts'
import { hasErrno } from '../storage/errno.ts'
import { replaceFile } from '../storage/replace-file.ts'
import type { StoresErrorCode } from './stores.ts'

/** In a data directory that a restore has not finished. */
export const RESTORING_FILE = 'restoring.json'
/** In one that a restore has made, until a server has taken note of it. */
export const RESTORED_FILE = 'restored.json'

const restored = z.object({ v: z.literal(1), backup: z.string(), takenAt: z.string(), restoredAt: z.string() })

/** From which backup a data directory was put back. */
export type Restored = z.infer<typeof restored>

/** Throws StoreIncomplete: what is there is not all, and looks like a store with much of it lost. */
export async function refuseUnfinishedRestore(dataDir: string): Promise<void> {
  const text = await readUnless(join(dataDir, RESTORING_FILE))
  if (text === undefined) return
  throw new CodedError<StoresErrorCode>(
    'StoreIncomplete',
    `a restore into ${dataDir} has not finished (${text.trim()}): run the same \`coffer restore\` again, it goes on where it was`,
  )
}

/** Undefined where nothing was restored since the last start. */
export async function readRestored(dataDir: string, log: Logger): Promise<Restored | undefined> {
  const text = await readUnless(join(dataDir, RESTORED_FILE))
  if (text === undefined) return undefined
  try {
    return restored.parse(JSON.parse(text))
  } catch {
    // That it was restored counts, whatever is known of it.
    log.warn(`${RESTORED_FILE} cannot be read: from which backup this was restored is not known`)
    return { v: 1, backup: 'unknown', takenAt: 'unknown', restoredAt: 'unknown' }
  }
}

/** The store `kms` alone was made anew of a key bundle. */
export async function noteKeysRestored(dataDir: string, takenAt: string): Promise<void> {
  const note: Restored = { v: 1, backup: 'key-bundle', takenAt, restoredAt: new Date().toISOString() }
  await replaceFile(join(dataDir, RESTORED_FILE), `${JSON.stringify(note)}\n`)
}

export async function forgetRestored(dataDir: string): Promise<void> {
  await rm(join(dataDir, RESTORED_FILE), { force: true })
  await syncDirectory(dataDir)
}

const readUnless = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
