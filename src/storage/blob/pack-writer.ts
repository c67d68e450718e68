import { groupQueue, type Waiting } from '../group-queue.ts'
import { packName } from './blob-id.ts'
import type { Directories } from './directory-sync.ts'
import { type DiskFs, writeFully } from './disk-fs.ts'
import { type DiskHealth, diskError } from './disk-health.ts'
import { encodePackHeader, PACK_HEADER_BYTES } from './pack-format.ts'

export interface PackPlace {
  readonly pack: string
  readonly offset: number
}

export interface PackWriter {
  /** Appends a blob; resolves to where it is once it is durable. */
  readonly append: (chunks: readonly Uint8Array[], lengthBytes: number) => Promise<PackPlace>
  /** How much of a pack is durable while it is being appended to; undefined for every other pack. */
  readonly durableBytes: (path: string) => number | undefined
  /** Appends no more to the pack that is open, so that it can be removed once it is empty. */
  readonly retire: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface PackWriterOptions {
  readonly disk: DiskFs
  readonly directories: Directories
  readonly health: DiskHealth
  /** The lease's directory; packs go to `p` in it. */
  readonly leaseDirectory: string
  readonly packMaxBytes: number
  /** Called when nothing will be appended to a pack any more. */
  readonly onSealed: (path: string) => void
}

interface Job {
  readonly chunks: readonly Uint8Array[]
  readonly lengthBytes: number
}

interface OpenPack {
  readonly pack: string
  readonly path: string
  readonly fd: number
  /** All that is acknowledged. */
  sizeBytes: number
}

const MAX_GROUP_BYTES = 8 * 1024 * 1024

/** Group commit into append-only files: one write and one fdatasync for all blobs that queued meanwhile. */
export function packWriter(options: PackWriterOptions): PackWriter {
  const { disk, directories, health, leaseDirectory, packMaxBytes, onSealed } = options
  const packDirectory = `${leaseDirectory}/p`
  let packsMade = 0
  /** The pack whose file is being made: it may be on disk already, empty. */
  let opening: string | undefined
  let open: OpenPack | undefined

  const openNext = async (): Promise<OpenPack> => {
    if (packsMade === 0) await directories.make(packDirectory)
    const pack = packName(packsMade)
    const path = `${packDirectory}/${pack}`
    opening = path
    try {
      const fd = await disk.open(path, 'wx', 0o600)
      packsMade++
      open = { pack, path, fd, sizeBytes: 0 }
    } finally {
      opening = undefined
    }
    await directories.sync(packDirectory)
    return open
  }

  const seal = async ({ path, fd }: OpenPack): Promise<void> => {
    open = undefined
    await disk.close(fd).catch(() => {})
    onSealed(path)
  }

  /** What was acknowledged stays; the tail that failed is cut off, or left for scans to stop at. */
  const abandon = async (failed: OpenPack): Promise<void> => {
    if (failed.sizeBytes === 0) await disk.unlink(failed.path).catch(() => {})
    else await disk.ftruncate(failed.fd, failed.sizeBytes).catch(() => {})
    await seal(failed)
  }

  const appendGroup = async (group: readonly Waiting<Job, PackPlace>[]): Promise<void> => {
    const target = open ?? (await openNext())
    const buffers = group.flatMap(({ job }) => [encodePackHeader(job.lengthBytes), ...job.chunks])
    await writeFully(disk, target.fd, buffers, target.sizeBytes)
    await disk.fdatasync(target.fd).catch((error: unknown) => {
      throw health.syncFailed(error)
    })
    for (const { job, resolve } of group) {
      resolve({ pack: target.pack, offset: target.sizeBytes })
      target.sizeBytes += PACK_HEADER_BYTES + job.lengthBytes
    }
    if (target.sizeBytes >= packMaxBytes) await seal(target)
  }

  const queue = groupQueue<Job, PackPlace>({
    maxWeight: MAX_GROUP_BYTES,
    flush: async (group) => {
      health.refuseWhenDown()
      try {
        await appendGroup(group)
      } catch (error) {
        if (open) await abandon(open)
        throw diskError(error)
      }
    },
  })

  const retire = async (): Promise<void> => {
    await queue.idle()
    if (open) await seal(open)
  }

  return {
    append: (chunks, lengthBytes) => queue.submit({ chunks, lengthBytes }, PACK_HEADER_BYTES + lengthBytes),
    durableBytes: (path) => {
      if (path === opening) return 0
      return path === open?.path ? open.sizeBytes : undefined
    },
    retire,
    close: retire,
  }
}
