import type { Clock } from '../../base/clock.ts'
import type { DiskFs } from './disk-fs.ts'
import { diskError, noSpace } from './disk-health.ts'

export interface FreeSpace {
  /** Throws NoSpace when `bytes` more would touch the reserve. */
  readonly ensure: (bytes: number) => Promise<void>
  /** Counts bytes as written, until the file system is asked again. */
  readonly took: (bytes: number) => void
}

export interface FreeSpaceOptions {
  readonly disk: DiskFs
  readonly directory: string
  /** Kept free so that the metadata store can recover and deletions go on when data fills the disk. */
  readonly reserveBytes: number
  readonly clock: Clock
}

const FRESH_MS = 1000
// A blob needs one; the rest is for the metadata store's own files.
const RESERVED_FILES = 64

/** Asks the file system at most about once a second. */
export function freeSpace({ disk, directory, reserveBytes, clock }: FreeSpaceOptions): FreeSpace {
  let free = 0
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const ask = async (): Promise<void> => {
    try {
      const { freeBytes, freeFiles } = await disk.statfs(directory)
      free = freeFiles < RESERVED_FILES ? Number.NEGATIVE_INFINITY : freeBytes
      askedAtMs = clock.now()
    } catch (error) {
      throw diskError(error)
    } finally {
      asking = undefined
    }
  }

  return {
    ensure: async (bytes) => {
      const ageMs = clock.now() - askedAtMs
      if (ageMs < 0 || ageMs >= FRESH_MS) {
        asking ??= ask()
        await asking
      }
      if (free - bytes < reserveBytes) throw noSpace()
    },
    took: (bytes) => {
      free -= bytes
    },
  }
}
