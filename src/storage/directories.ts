import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hasErrno } from './errno.ts'

/** Makes the names in a directory durable. */
export const syncDirectory = (directory: string): Promise<void> => sync(directory)

/** Makes the bytes of a file durable that somebody else has written. */
export const syncFile = (path: string): Promise<void> => sync(path)

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const makeUnlessThere = (path: string): Promise<void> =>
  mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasErrno(error, 'EEXIST')) throw error
  })

/** Makes `directory` and its missing parents, mode 0700, each one's name durable in its parent. */
export async function ensureDirectory(directory: string): Promise<void> {
  const path = resolve(directory)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return
    if (!hasErrno(error, 'ENOENT')) throw error
    await ensureDirectory(dirname(path))
    // Once: below /proc a directory stays ENOENT though its parent is there.
    await makeUnlessThere(path)
  }
  await syncDirectory(dirname(path))
}
