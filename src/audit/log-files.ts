import { join } from 'node:path'
import { createExclusive } from '../envelope/exclusive-file.ts'
import { type DiskFs, writeFully } from '../storage/blob/disk-fs.ts'
import { ensureDirectory } from '../storage/directories.ts'
import type { Link } from './chain.ts'
import { type FoundFile, type LogFile, listFiles, removeDrafts, removeFiles } from './files.ts'
import { fileName } from './format.ts'

/** The files of one log, the last of them open for appending. One call at a time. */
export interface LogFiles {
  /** The last file; undefined until `next` has made the first. */
  readonly last: () => LogFile | undefined
  readonly beforeLast: () => LogFile | undefined
  readonly totalBytes: () => number
  /** Makes a new last file, which goes on from `from` and is there with all of `text` or not at all. */
  readonly next: (from: Link, text: string) => Promise<void>
  /** Durable when it resolves. One that failed may be tried again, and must be before anything else is appended. */
  readonly append: (text: string) => Promise<void>
  /** The oldest files, as many as have to go for `bytes` to be freed; never the last. */
  readonly oldest: (bytes: number) => readonly LogFile[]
  /** Where the chain goes on after these files, the oldest; undefined as long as that is only what a file says itself. */
  readonly after: (files: readonly LogFile[]) => Link | undefined
  /** Did this process write the chain through all files, or verify it? */
  readonly known: () => boolean
  /** Takes what a verification found for what is there. False, and nothing is taken, when it did not find every file. */
  readonly learn: (found: readonly FoundFile[]) => boolean
  readonly remove: (files: readonly LogFile[]) => Promise<void>
  readonly close: () => Promise<void>
}

interface OpenFile extends LogFile {
  /** What its chain goes on from. */
  readonly from?: Link
  /** By this process, which then knows its size. */
  readonly written?: true
}

export async function openLogFiles(directory: string, disk: DiskFs): Promise<LogFiles> {
  await ensureDirectory(directory)
  await removeDrafts(directory)
  let files: readonly OpenFile[] = await listFiles(directory)
  let fd: number | undefined

  const close = async (): Promise<void> => {
    if (fd !== undefined) await disk.close(fd)
    fd = undefined
  }

  return {
    last: () => files.at(-1),
    beforeLast: () => files.at(-2),
    totalBytes: () => files.reduce((sum, { bytes }) => sum + bytes, 0),
    next: async (from, text) => {
      const number = (files.at(-1)?.number ?? 0) + 1
      const path = join(directory, fileName(number))
      await createExclusive(path, text)
      await close()
      files = [...files, { number, path, bytes: Buffer.byteLength(text), from, written: true }]
    },
    append: async (text) => {
      const file = files.at(-1)
      if (!file) throw new Error('there is no file yet')
      fd ??= await disk.open(file.path, 'r+')
      const bytes = Buffer.from(text, 'utf8')
      await writeFully(disk, fd, [bytes], file.bytes)
      await disk.fdatasync(fd)
      // What `learn` said meanwhile stays.
      files = files.with(-1, { ...(files.at(-1) ?? file), bytes: file.bytes + bytes.length, written: true })
    },
    oldest: (bytes) => {
      let freed = 0
      return files.slice(0, -1).filter((file) => {
        const needed = freed < bytes
        freed += file.bytes
        return needed
      })
    },
    after: (gone) => files[gone.length]?.from,
    known: () => files.every(({ from }) => from !== undefined),
    learn: (found) => {
      const byNumber = new Map(found.map((file) => [file.number, file]))
      if (files.some(({ number, from }) => from === undefined && !byNumber.has(number))) return false
      files = files.map((file) => {
        const { from, bytes } = byNumber.get(file.number) ?? file
        return { ...file, ...(from ? { from } : {}), bytes: file.written ? file.bytes : bytes }
      })
      return true
    },
    remove: async (gone) => {
      files = files.slice(gone.length)
      await removeFiles(directory, gone)
    },
    close,
  }
}
