import { hasErrno } from '../errno.ts'
import { type BlobPlace, blobPlace } from './blob-place.ts'
import type { BlobInfo, BlobStore } from './blob-store.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { DescriptorCache } from './descriptor-cache.ts'
import type { DiskFs } from './disk-fs.ts'
import { blobMissing, diskError } from './disk-health.ts'
import { checkRange, readBlobFile, recut } from './file-reader.ts'
import { readPacked, statPacked } from './pack-reader.ts'

export interface BlobReaderParts {
  readonly disk: DiskFs
  readonly root: string
  readonly descriptors: DescriptorCache
  readonly files: DescriptorCache
  readonly pool: BufferPool
}

export function blobReader({ disk, root, descriptors, files, pool }: BlobReaderParts): Pick<BlobStore, 'get' | 'stat'> {
  return {
    get: async function* (id, range) {
      checkRange(range)
      const place = blobPlace(root, id)
      if (!place) throw blobMissing(id)
      if (place.kind === 'file') {
        yield* readBlobFile({ disk, files, pool }, place.path, id, range)
        return
      }
      const bytes = await readPacked(disk, descriptors, place, range.end)
      yield* recut(bytes.subarray(range.start), range.chunkBytes ?? bytes.length)
    },
    stat: async (id) => {
      const place = blobPlace(root, id)
      const lengthBytes = place && (await lengthOf(disk, descriptors, place))
      return lengthBytes === undefined ? undefined : ({ id, lengthBytes } satisfies BlobInfo)
    },
  }
}

async function lengthOf(disk: DiskFs, descriptors: DescriptorCache, place: BlobPlace): Promise<number | undefined> {
  try {
    return place.kind === 'file' ? await disk.sizeOf(place.path) : await statPacked(disk, descriptors, place)
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw diskError(error)
  }
}
