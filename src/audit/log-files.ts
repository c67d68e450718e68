import { join } from 'node:path'
import { createExclusive } from '../envelope/exclusive-file.ts'
import { type DiskFs, writeFully } from '../storage/blob/disk-fs.ts'
import { ensureDirectory } from '../storage/directories.ts'
import { headerOf, type LogFile, listFiles, removeDrafts, removeFiles } from './files.ts'
import { fileName } from './format.ts'

/** The files of one log, the last of them open for appending. One call at a time. */
export interface LogFiles {
  /** The last file; undefined until `next` has made the first. */
  readonly last: () => LogFile | undefined
  readonly totalBytes: () => number
  /** Makes a new last file, which is there with all of `text` or not at all. */
  readonly next: (text: string) => Promise<void>
  /** Durable when it resolves. One that failed may be tried again, and must be before anything else is appended. */
  readonly append: (text: string) => Promise<void>
  /** The oldest files, as many as have to go for `bytes` to be freed; never the last. */
  readonly oldest: (bytes: number) => readonly LogFile[]
  /** Where the chain goes on after these files. */
  readonly after: (files: readonly LogFile[]) => Promise<{ readonly seq: number; readonly hash: string } | undefined>
  readonly remove: (files: readonly LogFile[]) => Promise<void>
  readonly close: () => Promise<void>
}

export async function openLogFiles(directory: string, disk: DiskFs): Promise<LogFiles> {
  await ensureDirectory(directory)
  await removeDrafts(directory)
  let files = await listFiles(directory)
  let fd: number | undefined

  const close = async (): Promise<void> => {
    if (fd !== undefined) await disk.close(fd)
    fd = undefined
  }

  return {
    last: () => files.at(-1),
    totalBytes: () => files.reduce((sum, { bytes }) => sum + bytes, 0),
    next: async (text) => {
      const number = (files.at(-1)?.number ?? 0) + 1
      const path = join(directory, fileName(number))
      await createExclusive(path, text)
      await close()
      files = [...files, { number, path, bytes: Buffer.byteLength(text) }]
    },
    append: async (text) => {
      const file = files.at(-1)
      if (!file) throw new Error('there is no file yet')
      fd ??= await disk.open(file.path, 'r+')
      const bytes = Buffer.from(text, 'utf8')
      await writeFully(disk, fd, [bytes], file.bytes)
      await disk.fdatasync(fd)
      files = [...files.slice(0, -1), { ...file, bytes: file.bytes + bytes.length }]
    },
    oldest: (bytes) => {
      let freed = 0
      return files.slice(0, -1).filter((file) => {
        const needed = freed < bytes
        freed += file.bytes
        return needed
      })
    },
    after: async (gone) => {
      const next = files[gone.length]
      const header = next && (await headerOf(next.path))
      return header && { seq: header.seq - 1, hash: header.prev }
    },
    remove: async (gone) => {
      files = files.slice(gone.length)
      await removeFiles(directory, gone)
    },
    close,
  }
}
