import { CodedError } from '../../../src/base/errors.ts'
import type { BlobId, BlobStore, BlobStoreErrorCode } from '../../../src/storage/blob/blob-store.ts'

/** Blobs in memory; several leases may share one disk, as runs of a process do. */
export function memoryBlobStore(lease: string, disk = new Map<BlobId, Buffer>()): BlobStore {
  let made = 0
  const bytesOf = (id: BlobId): Buffer => {
    const bytes = disk.get(id)
    if (!bytes) throw new CodedError<BlobStoreErrorCode>('BlobMissing', `blob ${id} is missing`)
    return bytes
  }
  return {
    lease,
    put: async (body, lengthBytes) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (lengthBytes !== undefined && bytes.length !== lengthBytes) {
        throw new CodedError<BlobStoreErrorCode>('BlobTorn', `wanted ${lengthBytes} bytes, got ${bytes.length}`)
      }
      const id = `${lease}/${(made++).toString(16).padStart(8, '0')}`
      disk.set(id, bytes)
      return { id, lengthBytes: bytes.length }
    },
    get: async function* (id, { start, end, chunkBytes = 64 * 1024 }) {
      for (let at = start; at < end; at += chunkBytes) {
        await Promise.resolve()
        yield Buffer.from(bytesOf(id).subarray(at, Math.min(at + chunkBytes, end)))
      }
    },
    stat: async (id) => {
      const bytes = disk.get(id)
      return bytes && { id, lengthBytes: bytes.length }
    },
    remove: async (ids) => {
      for (const id of ids) disk.delete(id)
      return []
    },
    leases: async () => [...new Set([...disk.keys()].map((id) => id.slice(0, 16)))].sort(),
    list: async (ofLease, after, limit) => {
      const ids = [...disk.keys()].filter((id) => id.startsWith(ofLease) && (after === undefined || id > after))
      return ids
        .sort()
        .slice(0, limit)
        .map((id) => ({ id, lengthBytes: bytesOf(id).length }))
    },
    // Each blob lies by itself.
    removeUnnamed: async () => {},
    close: async () => {},
  }
}
