import { constants } from 'node:fs'
import { access, readdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { ensureDirectory, syncDirectory } from '../storage/directories.ts'
import { hasErrno } from '../storage/errno.ts'
import { invalidConfig } from './config-error.ts'

/** Makes the data directory unless it is there, its name durable; resolves to its absolute path. Throws ConfigInvalid. */
export async function openDataDirectory(given: string): Promise<string> {
  const path = resolve(given)
  try {
    await ensureDirectory(path)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    // Of a file, ENOTDIR.
    await readdir(path)
    await syncName(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    throw invalidConfig(
      `the data directory ${path} cannot be used (${reason}): give one that this user may write with COFFER_DATA_DIR`,
      cause,
    )
  }
  return path
}

/** A start that made the directory may have ended before its name was durable. */
async function syncName(path: string): Promise<void> {
  try {
    await syncDirectory(dirname(path))
  } catch (error) {
    // Whoever may not read the parent has not made the directory; nor has anybody on a parent that is read-only.
    if (!hasErrno(error, 'EACCES', 'EPERM', 'EROFS', 'EINVAL')) throw error
  }
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

/** Follows links as far as the path exists. */
async function truePath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await truePath(parent), basename(path))
  }
}
