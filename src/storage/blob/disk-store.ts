import { resolve } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { ensureDirectory } from '../directories.ts'
import { LEASE, PACK, packPrefix } from './blob-id.ts'
import { blobPlace } from './blob-place.ts'
import { blobPutter } from './blob-putter.ts'
import { blobReader } from './blob-reader.ts'
import type { BlobId, BlobInfo, BlobStore } from './blob-store.ts'
import { bufferPool } from './buffer-pool.ts'
import { descriptorCache } from './descriptor-cache.ts'
import { directories as durableDirectories } from './directory-sync.ts'
import { type DiskFs, nodeFs } from './disk-fs.ts'
import { blobStoreFailed, diskError, diskHealth } from './disk-health.ts'
import { removeBlobFiles } from './file-remover.ts'
import { freeSpace } from './free-space.ts'
import { leaseDirectories, leaseOfPath } from './lease-directories.ts'
import { listLease, namesIn } from './lease-list.ts'
import { packRemover } from './pack-remover.ts'
import { packWriter } from './pack-writer.ts'
import { runningWork } from './running-work.ts'

export interface DiskStoreOptions {
  /** 16 hex digits, never used before in this directory. */
  readonly lease: string
  /** Bytes of the file system that data never takes. */
  readonly reserveBytes: number
  /** Blobs up to this length share pack files; 0 packs nothing. */
  readonly packThresholdBytes?: number
  /** A pack that has reached this size gets no more blobs. */
  readonly packMaxBytes?: number
  /** Called once, when the disk could not make written bytes durable. The process should then end. */
  readonly onFailure: (error: Error) => void
  readonly clock?: Clock
  readonly disk?: DiskFs
  /** Is it the lease of another thread of this process? What is written under it is not to be tidied. Default: there is none. */
  readonly isRunning?: ((lease: string) => boolean) | undefined
  /** Other threads remove what is read here. */
  readonly isShared?: boolean
}

const DEFAULTS = { packThresholdBytes: 256 * 1024, packMaxBytes: 256 * 1024 * 1024, clock: systemClock, disk: nodeFs }
const MAX_OPEN_PACKS = 64
/** Beside those that are being read: opening and closing one for each range that is read of it takes 10 us of CPU. */
const MAX_OPEN_FILES = 64
const IDLE_BUFFER_BYTES = 16 * 1024 * 1024
// Offsets of records have eight hex digits, and the last group of a pack may start just below its maximum.
const LARGEST_PACK_BYTES = 2 ** 31

/**
 * Blobs in a directory of the local disk: large ones in files of their own, small ones in packs. One process at a time
 * has the directory, and nothing in it belongs to anybody else. docs/storage-format.md has the format.
 */
export async function openDiskStore(directory: string, options: DiskStoreOptions): Promise<BlobStore> {
  const { lease, reserveBytes, packThresholdBytes, packMaxBytes, onFailure, clock, disk } = { ...DEFAULTS, ...options }
  const isRunning = (of: string): boolean => of === lease || options.isRunning?.(of) === true
  if (!LEASE.test(lease)) throw new RangeError('a lease is 16 hex digits')
  if (packThresholdBytes > packMaxBytes || packMaxBytes > LARGEST_PACK_BYTES) {
    throw new RangeError(`a pack holds a blob of the largest packed length, and at most ${LARGEST_PACK_BYTES} bytes`)
  }

  const root = resolve(directory)
  const leaseDirectory = `${root}/${lease}`
  const health = diskHealth(onFailure)
  const directories = durableDirectories(disk, health)
  await ensureDirectory(root)
  await disk.mkdir(leaseDirectory, 0o700).catch((cause: unknown) => {
    throw blobStoreFailed('the directory of the lease cannot be made; a lease is used once', cause)
  })
  await directories.sync(root)

  const space = freeSpace({ disk, directory: root, reserveBytes, clock })
  const leases = leaseDirectories({ disk, root, own: lease, isRunning, directories })
  const descriptors = descriptorCache(disk, MAX_OPEN_PACKS, options.isShared)
  const files = descriptorCache(disk, MAX_OPEN_FILES, options.isShared)
  const isElsewhere = (path: string): boolean => {
    const of = leaseOfPath(root, path)
    return of !== lease && isRunning(of)
  }
  const packs = packWriter({
    disk,
    directories,
    health,
    leaseDirectory,
    packMaxBytes,
    onSealed: (path) => removal.sealed(path),
  })
  const removal = packRemover({
    disk,
    directories,
    health,
    isOpen: (path) => packs.durableBytes(path) !== undefined || isElsewhere(path),
    onUnlinked: async (path) => {
      descriptors.drop(path)
      await leases.tidyAbove(path)
    },
  })
  const listing = {
    disk,
    root,
    packEnd: packs.durableBytes,
    onEmptyPack: async (path: string) => {
      if (packs.durableBytes(path) === undefined && !isElsewhere(path)) await removal.reconsider(path)
    },
  }
  const put = blobPutter({
    disk,
    directories,
    health,
    space,
    gathering: { bytes: 0 },
    earlySyncs: { running: 0 },
    lease,
    packs,
    leases,
    packThresholdBytes,
  })
  const work = runningWork(health.refuseWhenDown)

  const list: BlobStore['list'] = async (ofLease, after, limit) => {
    const page: BlobInfo[] = []
    if (limit < 1) return page
    try {
      for await (const blob of listLease(listing, ofLease, after)) {
        page.push(blob)
        if (page.length === limit) break
      }
    } catch (error) {
      throw diskError(error)
    }
    return page
  }

  const remove = async (ids: readonly BlobId[]): Promise<BlobId[]> => {
    const places = ids.flatMap((id) => blobPlace(root, id) ?? [])
    const whole = places.filter((place) => place.kind === 'file')
    const packed = places.filter((place) => place.kind === 'packed')
    const parts = { disk, directories, onUnlinked: files.drop, onRemoved: leases.tidyAbove }
    const failed = await Promise.all([removeBlobFiles(parts, whole), removal.remove(packed)])
    return failed.flat()
  }

  const removeUnnamed: BlobStore['removeUnnamed'] = async (ofLease, isNamed) => {
    if (ofLease === lease) throw new RangeError('blobs of the running lease may be about to be named')
    if (!LEASE.test(ofLease)) return
    for (const pack of await namesIn(disk, `${root}/${ofLease}/p`, PACK)) {
      if (await isNamed(packPrefix(ofLease, pack))) continue
      await removal.drop(`${root}/${ofLease}/p/${pack}`).catch(() => {})
    }
  }

  return {
    lease,
    put: (body, lengthBytes) => work.run(() => put(body, lengthBytes)),
    ...blobReader({ disk, root, descriptors, files, pool: bufferPool(IDLE_BUFFER_BYTES) }),
    remove: (ids) => work.run(() => remove(ids)),
    letGo: (ids) => {
      // A pack that is gone is found out later: mostly it is still there.
      for (const place of ids.flatMap((id) => blobPlace(root, id) ?? [])) {
        if (place.kind === 'file') files.drop(place.path)
      }
    },
    leases: async () => {
      const found = await leases.list().catch((error: unknown) => {
        throw diskError(error)
      })
      const ownHasAny = (await list(lease, undefined, 1)).length > 0
      return found.filter((each) => each !== lease || ownHasAny)
    },
    list,
    removeUnnamed: (ofLease, isNamed) => work.run(() => removeUnnamed(ofLease, isNamed)),
    close: () =>
      work.finish(async () => {
        await packs.close()
        await removal.idle()
        health.shut()
        descriptors.close()
        files.close()
      }),
  }
}
