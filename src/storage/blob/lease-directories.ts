import { dirname } from 'node:path'
import { LEASE, SHARD } from './blob-id.ts'
import type { Directories } from './directory-sync.ts'
import type { DiskFs } from './disk-fs.ts'
import { diskError } from './disk-health.ts'
import { namesIn } from './lease-list.ts'

export interface LeaseDirectories {
  /** The directory of a shard of this process's lease, made when it is not there yet. */
  readonly shard: (shard: string) => Promise<string>
  /** Removes the directories above a removed file or pack that hold nothing any more, up to its lease's. */
  readonly tidyAbove: (path: string) => Promise<void>
  /** The leases that have a directory left once empty ones of earlier runs are gone. */
  readonly list: () => Promise<string[]>
}

export interface LeaseDirectoriesOptions {
  readonly disk: DiskFs
  readonly root: string
  /** Its directories are made here. */
  readonly own: string
  /** Leases whose directories stay, because files are being made in them: the own one, and those of other threads. */
  readonly isRunning: (lease: string) => boolean
  readonly directories: Directories
}

export function leaseDirectories({
  disk,
  root,
  own,
  isRunning,
  directories,
}: LeaseDirectoriesOptions): LeaseDirectories {
  const ownDirectory = `${root}/${own}`
  const shards = new Map<string, Promise<string>>()

  const makeShard = async (shard: string): Promise<string> => {
    try {
      await directories.make(`${ownDirectory}/f`)
      await directories.make(`${ownDirectory}/f/${shard}`)
    } catch (error) {
      shards.delete(shard)
      throw diskError(error)
    }
    return `${ownDirectory}/f/${shard}`
  }

  /** True when it was empty and is gone. A directory that cannot be removed is only clutter. */
  const removeEmpty = (directory: string): Promise<boolean> =>
    disk.rmdir(directory).then(
      () => true,
      () => false,
    )

  const tidyLease = async (lease: string): Promise<void> => {
    const directory = `${root}/${lease}`
    for (const shard of await namesIn(disk, `${directory}/f`, SHARD)) await removeEmpty(`${directory}/f/${shard}`)
    await removeEmpty(`${directory}/f`)
    await removeEmpty(`${directory}/p`)
    await removeEmpty(directory)
  }

  return {
    shard: (shard) => {
      const made = shards.get(shard) ?? makeShard(shard)
      shards.set(shard, made)
      return made
    },
    tidyAbove: async (path) => {
      if (isRunning(leaseOfPath(root, path))) return
      let directory = dirname(path)
      while (directory.length > root.length && (await removeEmpty(directory))) directory = dirname(directory)
    },
    list: async () => {
      for (const lease of await namesIn(disk, root, LEASE)) if (!isRunning(lease)) await tidyLease(lease)
      return namesIn(disk, root, LEASE)
    },
  }
}

/** Of a path beneath the root. */
export const leaseOfPath = (root: string, path: string): string => path.slice(root.length + 1).split('/', 1)[0] ?? ''
