import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CodedError } from '../base/errors.ts'
import type { InstanceKeyErrorCode } from '../envelope/instance-key.ts'
import { ensureDirectory } from '../storage/directories.ts'
import { hasErrno } from '../storage/errno.ts'

/** The metadata stores of a data directory. */
export type StoreName = 'iam' | 'kms' | 'metadata'

/** A part of the data directory is not there. */
export type StoresErrorCode = 'StoreIncomplete'

/** Half of the server that a process is; undefined for all of it. */
export type Half = 'kms' | 's3' | undefined

const STORES: readonly StoreName[] = ['iam', 'kms', 'metadata']
const PARTS: readonly string[] = [...STORES, 'blobs']

/** In the order of their making: what has something in it was made after what stands before it. */
const STORES_OF = {
  all: { stores: STORES, parts: PARTS },
  kms: { stores: ['iam', 'kms'], parts: ['iam', 'kms'] },
  s3: { stores: ['iam', 'metadata'], parts: ['iam', 'metadata', 'blobs'] },
} as const satisfies Readonly<
  Record<string, { readonly stores: readonly StoreName[]; readonly parts: readonly string[] }>
>

/**
 * Makes the directories of a new data directory, before its seal file. Where there is one the stores were made: one that
 * is missing or empty, because a restore is not done or a file system not mounted, must not be taken for a new one.
 * Throws StoreIncomplete then, and InstanceKeyMissing for stores without the seal file: with a new key nothing in them
 * could be read. Changes nothing of what is there. A half needs its own stores and leaves others alone: either opens what
 * the whole server made, and neither what was made for the other.
 */
export async function prepareStores(dataDir: string, sealFile: string, half: Half): Promise<void> {
  const { stores, parts } = STORES_OF[half ?? 'all']
  const sealed = (await readdir(dataDir)).includes(basename(sealFile))
  if (sealed) {
    const filled = await Promise.all(parts.map((part) => isFilled(join(dataDir, part))))
    const last = filled.lastIndexOf(true)
    const lost = stores.filter((_, index) => filled[index] === undefined || (index < last && !filled[index]))
    if (lost.length > 0) throw incomplete(dataDir, lost)
    return
  }
  const any = await Promise.all(PARTS.map((part) => isFilled(join(dataDir, part))))
  if (any.includes(true)) throw sealMissing(sealFile)
  for (const store of stores) await ensureDirectory(join(dataDir, store))
}

/** Undefined when there is no such directory. */
export async function isFilled(directory: string): Promise<boolean | undefined> {
  try {
    // A new ext4 file system has lost+found.
    return (await readdir(directory)).some((name) => name !== 'lost+found')
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function incomplete(dataDir: string, lost: readonly string[]): CodedError<StoresErrorCode> {
  const which = lost.map((store) => `${store}/`).join(' and ')
  return new CodedError(
    'StoreIncomplete',
    `the data directory ${dataDir} is not complete: ${which} is missing or empty. Restore it from the same backup as the rest, or mount it. Nothing was changed`,
  )
}

const sealMissing = (sealFile: string): CodedError<InstanceKeyErrorCode> =>
  new CodedError(
    'InstanceKeyMissing',
    `there is a store but no ${sealFile}, which says with what key it is sealed: restore it from a backup`,
  )
