import { copyFile, mkdir, readdir, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { hasErrno } from '../errno.ts'
import { witnessFile } from './witness-file.ts'

/** Tables are never changed once they are written, and LevelDB deletes a link where it would delete the table. */
const isTable = (name: string): boolean => /\.(ldb|sst)$/.test(name)

/**
 * Makes `to` a store of its own out of the files of one that nobody has open: links to its tables, and copies of what LevelDB
 * appends to. Whatever is done to it, the other one stays as it is. It needs the tables for as long as it is used.
 */
export async function copyLevelStore(from: string, to: string): Promise<void> {
  const directory = resolve(from)
  await mkdir(to, { mode: 0o700 })
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'LOCK') continue
    const file = join(directory, entry.name)
    if (isTable(entry.name)) await symlink(file, join(to, entry.name))
    else await copyFile(file, join(to, entry.name))
  }
  await copyFile(witnessFile(directory), witnessFile(to)).catch((error: unknown) => {
    // A directory of an earlier release has none.
    if (!hasErrno(error, 'ENOENT')) throw error
  })
}
