import { dirname } from 'node:path'
import { hasErrno } from '../errno.ts'
import { type GroupQueue, groupQueue } from '../group-queue.ts'
import type { DiskFs } from './disk-fs.ts'
import type { DiskHealth } from './disk-health.ts'

export interface Directories {
  /** Makes every change of names in `directory` before this call durable. All who wait meanwhile share one fsync. */
  readonly sync: (directory: string) => Promise<void>
  /** Makes `directory`, whose parent exists, and its name durable. Nothing happens when it is there. */
  readonly make: (directory: string) => Promise<void>
}

export function directories(disk: DiskFs, health: DiskHealth): Directories {
  const queues = new Map<string, GroupQueue<undefined, void>>()

  const syncNow = async (directory: string): Promise<void> => {
    const fd = await disk.open(directory, 'r')
    try {
      await disk.fsync(fd)
    } catch (error) {
      throw health.syncFailed(error)
    } finally {
      await disk.close(fd)
    }
  }

  const queueOf = (directory: string): GroupQueue<undefined, void> => {
    const queue =
      queues.get(directory) ??
      groupQueue<undefined, void>({
        flush: async (group) => {
          await syncNow(directory)
          for (const { resolve } of group) resolve()
        },
      })
    queues.set(directory, queue)
    return queue
  }

  const sync = async (directory: string): Promise<void> => {
    const queue = queueOf(directory)
    try {
      await queue.submit(undefined)
    } finally {
      void queue.idle().then(() => queues.delete(directory))
    }
  }

  return {
    sync,
    make: async (directory) => {
      try {
        await disk.mkdir(directory, 0o700)
      } catch (error) {
        if (!hasErrno(error, 'EEXIST')) throw error
      }
      // Also when it was there: whoever made it may not have come to this.
      await sync(dirname(directory))
    },
  }
}
