import { constants } from 'node:fs'
import { access, mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
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

/** Follows links as far as the path exists. */
async function truePath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await truePath(parent), basename(path))
  }
}
