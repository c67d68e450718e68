import { hasErrno } from '../errno.ts'
import type { BlobId } from './blob-store.ts'
import type { DescriptorCache } from './descriptor-cache.ts'
import { type DiskFs, readFully } from './disk-fs.ts'
import { blobMissing, blobTorn, diskError } from './disk-health.ts'
import { decodePackHeader, PACK_HEADER_BYTES } from './pack-format.ts'

export interface PackedBlob {
  readonly id: BlobId
  readonly path: string
  readonly offset: number
  readonly lengthBytes: number
}

/**
 * The first `end` bytes of a packed blob, in one read together with its header. Throws BlobMissing when the record was
 * removed or is not this one, BlobTorn when it is damaged or shorter.
 */
export async function readPacked(
  disk: DiskFs,
  packs: DescriptorCache,
  { id, path, offset, lengthBytes }: PackedBlob,
  end: number,
): Promise<Buffer> {
  if (end > lengthBytes) throw blobTorn(end, lengthBytes, id)
  const record = Buffer.allocUnsafe(PACK_HEADER_BYTES + end)
  const got = await packs
    .use(path, (fd) => readFully(disk, fd, record, offset))
    .catch((error: unknown) => {
      throw hasErrno(error, 'ENOENT') ? blobMissing(id) : diskError(error)
    })
  if (got < PACK_HEADER_BYTES) throw blobMissing(id)
  const header = decodePackHeader(record)
  if (!header) throw blobTorn(end, 0, id)
  if (!header.live || header.lengthBytes !== lengthBytes) throw blobMissing(id)
  if (got < record.length) throw blobTorn(end, got - PACK_HEADER_BYTES, id)
  return record.subarray(PACK_HEADER_BYTES)
}

/** The length of a packed blob; undefined when it was removed, is not this one, or is cut off. */
export async function statPacked(
  disk: DiskFs,
  packs: DescriptorCache,
  { path, offset, lengthBytes }: PackedBlob,
): Promise<number | undefined> {
  const bytes = Buffer.alloc(PACK_HEADER_BYTES)
  const last = Buffer.alloc(1)
  const lastAt = offset + PACK_HEADER_BYTES + lengthBytes - 1
  const got = await packs.use(path, async (fd) => {
    await readFully(disk, fd, bytes, offset)
    return readFully(disk, fd, last, lastAt)
  })
  const header = decodePackHeader(bytes)
  return got === 1 && header?.live && header.lengthBytes === lengthBytes ? lengthBytes : undefined
}
