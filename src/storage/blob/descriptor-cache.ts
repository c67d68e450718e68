import { hasErrno } from '../errno.ts'
import type { DiskFs } from './disk-fs.ts'

export interface DescriptorCache {
  /** Calls `use` with an open descriptor, which stays open at least until the promise settles. */
  readonly use: <Result>(path: string, use: (fd: number) => Result | Promise<Result>) => Promise<Result>
  /** An open descriptor, which stays open at least until it is released, once. */
  readonly open: (path: string) => Promise<HeldDescriptor>
  /** Forgets a path, once its readers are done. */
  readonly drop: (path: string) => void
  readonly close: () => void
}

export interface HeldDescriptor {
  readonly fd: number
  readonly release: () => void
}

interface Entry {
  readonly opening: Promise<number>
  /** Once it is open. */
  fd: number | undefined
  users: number
  dropped: boolean
}

/** What another thread has removed takes room until it is closed here, too. */
const LOOK_EVERY_MS = 10_000

/**
 * At most `limit` idle files open for reading, the ones used last. `isShared`: others may remove files that are open here, which
 * are looked for now and then.
 */
export function descriptorCache(disk: DiskFs, limit: number, isShared = false): DescriptorCache {
  const entries = new Map<string, Entry>()
  const looking = isShared ? setInterval(() => void dropRemoved(), LOOK_EVERY_MS).unref() : undefined
  const dropRemoved = async (): Promise<void> => {
    for (const path of [...entries.keys()]) {
      const isThere = await disk.sizeOf(path).then(
        () => true,
        (error: unknown) => !hasErrno(error, 'ENOENT'),
      )
      if (!isThere) drop(path)
    }
  }

  const closeWhenUnused = (entry: Entry): void => {
    if (entry.dropped && entry.users === 0) entry.opening.then(disk.close).catch(() => {})
  }
  const drop = (path: string): void => {
    const entry = entries.get(path)
    if (!entry) return
    entries.delete(path)
    entry.dropped = true
    closeWhenUnused(entry)
  }
  const entryOf = (path: string): Entry => {
    const entry = entries.get(path) ?? { opening: disk.open(path, 'r'), fd: undefined, users: 0, dropped: false }
    // A Map keeps the order of insertion: the first one is the one used longest ago.
    entries.delete(path)
    entries.set(path, entry)
    const [oldest] = entries.keys()
    if (entries.size > limit && oldest !== undefined) drop(oldest)
    return entry
  }

  const opened = async (path: string, entry: Entry): Promise<number> => {
    try {
      entry.fd = await entry.opening
      return entry.fd
    } catch (error) {
      if (entries.get(path) === entry) entries.delete(path)
      throw error
    }
  }
  const leave = (entry: Entry): void => {
    entry.users--
    closeWhenUnused(entry)
  }

  return {
    use: async (path, use) => {
      const entry = entryOf(path)
      entry.users++
      try {
        return await use(entry.fd ?? (await opened(path, entry)))
      } finally {
        leave(entry)
      }
    },
    open: async (path) => {
      const entry = entryOf(path)
      entry.users++
      try {
        const fd = entry.fd ?? (await opened(path, entry))
        return { fd, release: () => leave(entry) }
      } catch (error) {
        leave(entry)
        throw error
      }
    },
    drop,
    close: () => {
      clearInterval(looking)
      for (const path of [...entries.keys()]) drop(path)
    },
  }
}
