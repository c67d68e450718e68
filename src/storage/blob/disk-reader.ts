import { resolve } from 'node:path'
import { LEASE } from './blob-id.ts'
import { blobReader } from './blob-reader.ts'
import type { BlobInfo, BlobStore } from './blob-store.ts'
import { bufferPool } from './buffer-pool.ts'
import { descriptorCache } from './descriptor-cache.ts'
import { nodeFs } from './disk-fs.ts'
import { diskError } from './disk-health.ts'
import { listLease, namesIn } from './lease-list.ts'

const MAX_OPEN = 64
const IDLE_BUFFER_BYTES = 4 * 1024 * 1024

/** The blobs of a disk store that nobody writes to, for reading. */
export interface DiskReader extends Pick<BlobStore, 'get' | 'stat' | 'leases'> {
  /** All of a lease in ascending byte order of id. */
  readonly blobsOf: (lease: string) => AsyncIterable<BlobInfo>
  readonly close: () => void
}

/** Changes nothing of `directory`, which need not be there. */
export function openDiskReader(directory: string): DiskReader {
  const root = resolve(directory)
  const disk = nodeFs
  const descriptors = descriptorCache(disk, MAX_OPEN)
  const files = descriptorCache(disk, MAX_OPEN)
  return {
    ...blobReader({ disk, root, descriptors, files, pool: bufferPool(IDLE_BUFFER_BYTES) }),
    leases: async () => {
      try {
        return await namesIn(disk, root, LEASE)
      } catch (error) {
        throw diskError(error)
      }
    },
    blobsOf: (lease) =>
      listLease({ disk, root, packEnd: () => undefined, onEmptyPack: async () => {} }, lease, undefined),
    close: () => {
      descriptors.close()
      files.close()
    },
  }
}
