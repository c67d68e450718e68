import { constants } from 'node:fs'
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory, syncFile } from '../../storage/directories.ts'
import { hasErrno } from '../../storage/errno.ts'
import { copyReadable } from './copy-readable.ts'

export interface CopiedFiles {
  linked: number
  copied: number
  /** Of which the disk could not read so many bytes: zeros stand for them. */
  readonly unreadable: { readonly file: string; readonly bytes: number }[]
}

/** Packs are marked when something in them is removed: they are copied. A file of one blob is never changed, and a link to it is enough. */
const isPack = (path: string): boolean => /^[0-9a-f]{16}\/p\//.test(path)

/** The blobs of a data directory at another place, of which removing one there removes nothing here. */
export async function copyBlobs(from: string, to: string): Promise<CopiedFiles> {
  const done: CopiedFiles = { linked: 0, copied: 0, unreadable: [] }
  await copyTree(from, to, '', done, isPack)
  return done
}

/** All files are copied. */
export async function copyDirectory(from: string, to: string): Promise<CopiedFiles> {
  const done: CopiedFiles = { linked: 0, copied: 0, unreadable: [] }
  await copyTree(from, to, '', done, () => true)
  return done
}

async function copyTree(
  from: string,
  to: string,
  below: string,
  done: CopiedFiles,
  mustCopy: (path: string) => boolean,
): Promise<void> {
  await mkdir(join(to, below), { mode: 0o700, recursive: true })
  const entries = await readdir(join(from, below), { withFileTypes: true }).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  })
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await copyTree(from, to, path, done, mustCopy)
    else if (entry.isFile()) await place(join(from, path), join(to, path), path, done, mustCopy(path))
  }
  await syncDirectory(join(to, below))
}

async function place(source: string, target: string, path: string, done: CopiedFiles, copies: boolean): Promise<void> {
  if (!copies) {
    try {
      await link(source, target)
      done.linked++
      return
    } catch (error) {
      // Another file system, or one without links.
      if (!hasErrno(error, 'EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK')) throw error
    }
  }
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    await syncFile(target)
  } catch (error) {
    if (!hasErrno(error, 'EIO', 'EUCLEAN')) throw error
    await rm(target, { force: true })
    const bytes = await copyReadable(source, target)
    if (bytes > 0) done.unreadable.push({ file: path, bytes })
  }
  done.copied++
}
