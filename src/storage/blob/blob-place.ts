import { parseBlobId } from './blob-id.ts'
import type { BlobId } from './blob-store.ts'
import type { PackedBlob } from './pack-reader.ts'

/** Where the bytes of an id are, if they are anywhere. */
export type BlobPlace =
  | { readonly kind: 'file'; readonly id: BlobId; readonly path: string }
  | ({ readonly kind: 'packed' } & PackedBlob)

/** Undefined for an id that no disk store made. */
export function blobPlace(root: string, id: BlobId): BlobPlace | undefined {
  const name = parseBlobId(id)
  if (!name) return undefined
  if (name.kind === 'file') return { kind: 'file', id, path: `${root}/${name.lease}/f/${name.shard}/${name.file}` }
  const { lease, pack, offset, lengthBytes } = name
  return { kind: 'packed', id, path: `${root}/${lease}/p/${pack}`, offset, lengthBytes }
}
