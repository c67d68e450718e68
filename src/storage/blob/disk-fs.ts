import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { diskWaits } from './disk-waits.ts'

/** The calls to the operating system that a disk store makes; tests put failures in between. */
export interface DiskFs {
  readonly open: (path: string, flags: 'r' | 'r+' | 'wx', mode?: number) => Promise<number>
  readonly close: (fd: number) => Promise<void>
  /** The bytes read, which may be fewer; 0 at the end of the file. At once where they are likely to be in memory. */
  readonly read: (
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => number | Promise<number>
  /** The bytes written, which may be fewer. Little is written at once: that is a copy in memory, durable only when it is synced. */
  readonly writev: (fd: number, buffers: readonly Uint8Array[], position: number) => number | Promise<number>
  readonly ftruncate: (fd: number, length: number) => Promise<void>
  readonly fdatasync: (fd: number) => Promise<void>
  readonly fsync: (fd: number) => Promise<void>
  readonly unlink: (path: string) => Promise<void>
  readonly mkdir: (path: string, mode: number) => Promise<void>
  readonly rmdir: (path: string) => Promise<void>
  readonly readdir: (path: string) => Promise<string[]>
  readonly sizeOf: (path: string) => Promise<number>
  readonly statfs: (path: string) => Promise<{ readonly freeBytes: number; readonly freeFiles: number }>
}

const open = promisify(fs.open)
const read = promisify(fs.read)
const writev = promisify(fs.writev)
const stat = promisify(fs.stat)
const statfs = promisify(fs.statfs)
const readdir = promisify(fs.readdir)
const mkdir = promisify(fs.mkdir)

/** No thread is held up for longer than that takes to be copied, 30 us. */
const READ_NOW_BYTES = 512 * 1024
/**
 * A read out of the page cache takes 1.4 us of CPU on this thread (6 us for 64 KiB), and 9 to 17 us more by way of the thread
 * pool (Node 26.10), a sixth of the CPU of a large GET. One that is not in the cache holds up everything: after that the pool reads for a while.
 */
const coldReads = diskWaits()

/**
 * A write into the page cache, which takes 50 us for so many bytes. By way of the thread pool everything that waits for it waits for one more turn
 * of the event loop, and in a busy process a turn is milliseconds. One that the system holds back, as it does when too much is
 * to be written, holds up everything: after that the pool writes for a while.
 */
const WRITE_NOW_BYTES = 128 * 1024
const slowWrites = diskWaits()

export const nodeFs: DiskFs = {
  open: (path, flags, mode) => open(path, flags, mode),
  close: promisify(fs.close),
  read: (fd, buffer, offset, length, position) => {
    if (length > READ_NOW_BYTES || !coldReads.mayBlock()) {
      return read(fd, buffer, offset, length, position).then(({ bytesRead }) => bytesRead)
    }
    const startedAtMs = performance.now()
    const got = fs.readSync(fd, buffer, offset, length, position)
    coldReads.blocked(startedAtMs)
    return got
  },
  writev: (fd, buffers, position) => {
    if (bytesOf(buffers) > WRITE_NOW_BYTES || !slowWrites.mayBlock()) {
      return writev(fd, [...buffers], position).then(({ bytesWritten }) => bytesWritten)
    }
    const startedAtMs = performance.now()
    const written = fs.writevSync(fd, [...buffers], position)
    slowWrites.blocked(startedAtMs)
    return written
  },
  ftruncate: promisify(fs.ftruncate),
  fdatasync: promisify(fs.fdatasync),
  fsync: promisify(fs.fsync),
  unlink: promisify(fs.unlink),
  mkdir: async (path, mode) => {
    await mkdir(path, { mode })
  },
  rmdir: promisify(fs.rmdir),
  readdir: (path) => readdir(path),
  sizeOf: async (path) => (await stat(path)).size,
  statfs: async (path) => {
    const { bavail, bsize, files, ffree } = await statfs(path)
    // File systems without a fixed number of inodes report none at all.
    return { freeBytes: bavail * bsize, freeFiles: files === 0 ? Number.POSITIVE_INFINITY : ffree }
  },
}

/** Writes all of `buffers` from `position` on, however often the system writes less than asked. */
export async function writeFully(
  disk: DiskFs,
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = buffers.filter(({ length }) => length > 0)
  let at = position
  while (rest.length > 0) {
    const written = await disk.writev(fd, rest, at)
    if (written === 0) throw new Error('the file system wrote nothing')
    at += written
    rest = without(rest, written)
  }
}

const bytesOf = (buffers: readonly Uint8Array[]): number => buffers.reduce((sum, { length }) => sum + length, 0)

function without(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  let index = 0
  for (const { length } of buffers) {
    if (skip < length) break
    skip -= length
    index++
  }
  const [first, ...rest] = buffers.slice(index)
  return first ? [first.subarray(skip), ...rest] : []
}

/** Fills `buffer` from `position` on; the bytes read, fewer only at the end of the file. At once where `read` is. */
export function readFully(disk: DiskFs, fd: number, buffer: Uint8Array, position: number): number | Promise<number> {
  for (let filled = 0; filled < buffer.length; ) {
    const got = disk.read(fd, buffer, filled, buffer.length - filled, position + filled)
    if (typeof got !== 'number') return readRest(disk, fd, buffer, position, filled, got)
    if (got === 0) return filled
    filled += got
  }
  return buffer.length
}

async function readRest(
  disk: DiskFs,
  fd: number,
  buffer: Uint8Array,
  position: number,
  alreadyFilled: number,
  running: Promise<number>,
): Promise<number> {
  let filled = alreadyFilled
  for (let got = await running; got > 0; ) {
    filled += got
    if (filled === buffer.length) break
    got = await disk.read(fd, buffer, filled, buffer.length - filled, position + filled)
  }
  return filled
}
