import type { Dek } from '../envelope/dek.ts'
import { openPart, type PartIdentity } from '../envelope/seal.ts'
import { HEADER_SIZE, sealedLength } from '../envelope/segment.ts'
import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import { ObjectsError } from './errors.ts'

export type ReadableBlobs = Pick<BlobStore, 'get' | 'stat'>

const SEGMENTS_PER_READ = 4

/** The stored part of an object in two layers, as if it had the inner one only. */
export function withoutOuterLayer(
  blobs: ReadableBlobs,
  outer: Dek,
  identity: PartIdentity,
  part: { readonly salt: Buffer; readonly sizeBytes: number },
): ReadableBlobs {
  const innerBytes = sealedLength(part.sizeBytes)
  const opened = async (id: BlobId) => {
    const info = await blobs.stat(id)
    if (!info) throw new ObjectsError('ObjectDamaged', 'a part is missing')
    const header: Buffer[] = []
    const { lengthBytes } = info
    for await (const chunk of blobs.get(id, { start: 0, end: Math.min(HEADER_SIZE, lengthBytes) })) header.push(chunk)
    return openPart(outer, identity, part.salt, innerBytes, Buffer.concat(header), lengthBytes)
  }
  return {
    stat: async (id) => {
      const info = await blobs.stat(id)
      return info && { ...info, lengthBytes: innerBytes }
    },
    get: async function* (id, { start, end }) {
      using opener = await opened(id)
      const range = { start, end: Math.min(end, innerBytes) }
      const chunkBytes = SEGMENTS_PER_READ * opener.sealedSegmentBytes
      yield* opener.unseal(range, blobs.get(id, { ...opener.ciphertextRange(range), chunkBytes, reuse: true }))
    },
  }
}
