import { dirname } from 'node:path'
import { hasErrno } from '../errno.ts'
import { groupQueue, type Waiting } from '../group-queue.ts'
import type { BlobId } from './blob-store.ts'
import type { Directories } from './directory-sync.ts'
import { type DiskFs, readFully, writeFully } from './disk-fs.ts'
import { type DiskHealth, diskError } from './disk-health.ts'
import { decodePackHeader, PACK_HEADER_BYTES, REMOVED, STATE_OFFSET } from './pack-format.ts'
import type { PackedBlob } from './pack-reader.ts'
import { scanPack } from './pack-scan.ts'

export interface PackRemover {
  /** Marks records as removed and unlinks packs that hold no live one; resolves to the ids that failed. */
  readonly remove: (blobs: readonly PackedBlob[]) => Promise<BlobId[]>
  /** Unlinks the pack when it holds no live record and every byte of it is accounted for. */
  readonly reconsider: (path: string) => Promise<void>
  /** Unlinks the pack whatever it holds: for a pack that gets no more records and of which nobody knows any. */
  readonly drop: (path: string) => Promise<void>
  /** To be called when nothing will be appended to a pack any more. */
  readonly sealed: (path: string) => void
  readonly idle: () => Promise<void>
}

export interface PackRemoverOptions {
  readonly disk: DiskFs
  readonly directories: Directories
  readonly health: DiskHealth
  /** True while more records may follow. */
  readonly isOpen: (path: string) => boolean
  readonly onUnlinked: (path: string) => Promise<void>
}

interface Job {
  readonly path: string
  /** Undefined: only see whether the pack is still needed. */
  readonly blob?: PackedBlob
  /** Nobody knows a record of the pack. */
  readonly unknown?: boolean
}

/** How many records of a pack are live; `whole` when every byte of it is accounted for. */
interface PackAccount {
  live: number
  readonly whole: boolean
}

/**
 * Removal is one byte in the header of each record and one fdatasync a pack. How many records are live is counted from
 * the headers when a pack first loses one after it was sealed, and kept in memory from then on.
 */
export function packRemover({ disk, directories, health, isOpen, onUnlinked }: PackRemoverOptions): PackRemover {
  const accounts = new Map<string, PackAccount>()
  const removedFromWhileOpen = new Set<string>()

  const count = async (fd: number): Promise<PackAccount> => {
    let live = 0
    const records = scanPack(disk, fd, 0, Number.MAX_SAFE_INTEGER)
    for (;;) {
      const step = await records.next()
      if (step.done) return { live, whole: step.value === 'whole' }
      if (step.value.live) live++
    }
  }

  const accountOf = async (path: string, fd: number): Promise<PackAccount> => {
    const account = accounts.get(path) ?? (await count(fd))
    accounts.set(path, account)
    return account
  }

  /** True when there was a live record to mark. What is not there, or is another blob, counts as removed. */
  const mark = async (fd: number, { offset, lengthBytes }: PackedBlob): Promise<boolean> => {
    const bytes = Buffer.alloc(PACK_HEADER_BYTES)
    await readFully(disk, fd, bytes, offset)
    const header = decodePackHeader(bytes)
    if (!header?.live || header.lengthBytes !== lengthBytes) return false
    await writeFully(disk, fd, [REMOVED], offset + STATE_OFFSET)
    return true
  }

  const removeFrom = async (path: string, fd: number, jobs: readonly Job[]): Promise<void> => {
    if (jobs.some(({ unknown }) => unknown)) return unlinkPack(path)
    const open = isOpen(path)
    if (open) removedFromWhileOpen.add(path)
    const counted = open ? undefined : await accountOf(path, fd)
    let marked = 0
    try {
      for (const { blob } of jobs) if (blob && (await mark(fd, blob))) marked++
      // Also when nothing was marked now: an earlier mark may not have come to its sync.
      await disk.fdatasync(fd).catch((error: unknown) => {
        throw health.syncFailed(error)
      })
    } catch (error) {
      accounts.delete(path)
      throw error
    }
    if (!counted) return
    counted.live -= marked
    if (counted.live === 0 && counted.whole) await unlinkPack(path)
  }

  const unlinkPack = async (path: string): Promise<void> => {
    await disk.unlink(path)
    accounts.delete(path)
    await directories.sync(dirname(path))
    await onUnlinked(path)
  }

  const flushPack = async (path: string, jobs: readonly Waiting<Job, void>[]): Promise<void> => {
    try {
      const fd = await disk.open(path, 'r+')
      try {
        await removeFrom(
          path,
          fd,
          jobs.map(({ job }) => job),
        )
      } finally {
        await disk.close(fd).catch(() => {})
      }
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) {
        for (const { reject } of jobs) reject(diskError(error))
        return
      }
      await directories.sync(dirname(path)).catch(() => {})
    }
    for (const { resolve } of jobs) resolve()
  }

  const queue = groupQueue<Job, void>({
    flush: async (group) => {
      health.refuseWhenDown()
      for (const [path, jobs] of Map.groupBy(group, ({ job }) => job.path)) await flushPack(path, jobs)
    },
  })

  return {
    remove: async (blobs) => {
      const outcomes = await Promise.allSettled(blobs.map((blob) => queue.submit({ path: blob.path, blob })))
      return blobs.filter((_, index) => outcomes[index]?.status === 'rejected').map(({ id }) => id)
    },
    reconsider: (path) => queue.submit({ path }),
    drop: (path) => queue.submit({ path, unknown: true }),
    sealed: (path) => {
      if (!removedFromWhileOpen.delete(path)) return
      // A pack that cannot be read now is considered again when it loses its next record, or by the sweep.
      queue.submit({ path }).catch(() => {})
    },
    idle: queue.idle,
  }
}
