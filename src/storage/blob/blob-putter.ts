import { hasCode } from '../../base/errors.ts'
import { fileName, formatBlobId } from './blob-id.ts'
import type { BlobInfo, BlobStore } from './blob-store.ts'
import { blobTorn } from './disk-health.ts'
import { type BlobBody, type FileWriterParts, writeBlobFile } from './file-writer.ts'
import { gather, resumed } from './gather.ts'
import type { LeaseDirectories } from './lease-directories.ts'
import type { PackWriter } from './pack-writer.ts'

export interface BlobPutterParts extends FileWriterParts {
  readonly lease: string
  readonly packs: PackWriter
  readonly leases: LeaseDirectories
  readonly packThresholdBytes: number
}

/** Decides where a blob goes: small ones into a pack, others into a file of their own. */
export function blobPutter(parts: BlobPutterParts): BlobStore['put'] {
  const { lease, packs, leases, space, packThresholdBytes } = parts
  let filesMade = 0

  const isSmall = (lengthBytes: number): boolean => packThresholdBytes > 0 && lengthBytes <= packThresholdBytes

  const ensureSpace = async (lengthBytes: number): Promise<void> => {
    try {
      await space.ensure(lengthBytes)
    } catch (error) {
      // The pack in use may hold only removed blobs: its space comes back when nothing is appended to it any more.
      if (hasCode(error, 'NoSpace')) packs.retire().catch(() => {})
      throw error
    }
  }

  const putPacked = async (chunks: readonly Uint8Array[], lengthBytes: number): Promise<BlobInfo> => {
    space.took(lengthBytes)
    const place = await packs.append(chunks, lengthBytes)
    return { id: formatBlobId({ kind: 'packed', lease, ...place, lengthBytes }), lengthBytes }
  }

  const putFile = async (body: BlobBody, expected?: number): Promise<BlobInfo> => {
    const { shard, file } = fileName(filesMade++)
    const directory = await leases.shard(shard)
    const lengthBytes = await writeBlobFile(parts, directory, file, body, expected)
    return { id: formatBlobId({ kind: 'file', lease, shard, file }), lengthBytes }
  }

  const putList = async (chunks: readonly Uint8Array[], expected?: number): Promise<BlobInfo> => {
    const lengthBytes = chunks.reduce((sum, { length }) => sum + length, 0)
    if (expected !== undefined && expected !== lengthBytes) throw blobTorn(expected, lengthBytes)
    await ensureSpace(lengthBytes)
    return isSmall(lengthBytes) ? putPacked(chunks, lengthBytes) : putFile(chunks, lengthBytes)
  }

  const putStream = async (body: AsyncIterable<Uint8Array>, expected?: number): Promise<BlobInfo> => {
    await ensureSpace(expected ?? 0)
    if (!isSmall(expected ?? 0)) return putFile(body, expected)
    const start = await gather(body, expected ?? packThresholdBytes)
    try {
      if (expected !== undefined && start.lengthBytes !== expected) throw blobTorn(expected, start.lengthBytes)
      return start.rest ? await putFile(resumed(start)) : await putPacked(start.chunks, start.lengthBytes)
    } finally {
      await start.rest?.return?.()
    }
  }

  return (body, lengthBytes) => (isList(body) ? putList(body, lengthBytes) : putStream(body, lengthBytes))
}

const isList = (body: AsyncIterable<Uint8Array> | readonly Uint8Array[]): body is readonly Uint8Array[] =>
  Array.isArray(body)
