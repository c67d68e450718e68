import { constants } from 'node:fs'
import { access, mkdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { CodedError } from '../base/errors.ts'
import type { InstanceKeyErrorCode } from '../envelope/instance-key.ts'
import { hasErrno } from '../storage/errno.ts'
import { invalidConfig } from './config.ts'

/** Makes the data directory unless it is there; resolves to its absolute path. Throws ConfigInvalid. */
export async function openDataDirectory(given: string): Promise<string> {
  const path = resolve(given)
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    throw invalidConfig(
      `the data directory ${path} cannot be used (${reason}): give one that this user may write with COFFER_DATA_DIR`,
      cause,
    )
  }
  return path
}

/** Throws ConfigInvalid for a key file inside the data directory: a copy of the directory would then open itself. */
export async function refuseKeyInside(keyFile: string, dataDirectory: string): Promise<void> {
  const away = relative(await realpath(dataDirectory), await truePath(resolve(keyFile)))
  if (away === '..' || away.startsWith(`..${sep}`)) return
  throw invalidConfig(
    `the instance key file ${keyFile} is inside the data directory ${dataDirectory}, so that whoever has the data has ` +
      'the key: move it elsewhere and name that place with COFFER_INSTANCE_KEY_FILE',
  )
}

/**
 * Throws InstanceKeyMissing for a store without its seal file, which is made before anything else: taken for a new one,
 * it would get a new key, with which nothing in it can be read.
 */
export async function refuseLostSeal(sealFile: string, store: string): Promise<void> {
  if ((await exists(sealFile)) || !(await exists(store))) return
  throw new CodedError<InstanceKeyErrorCode>(
    'InstanceKeyMissing',
    `there is a store but no ${sealFile}, which says with what key it is sealed: restore it from a backup`,
  )
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Follows links as far as the path exists. */
async function truePath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await truePath(parent), basename(path))
  }
}
