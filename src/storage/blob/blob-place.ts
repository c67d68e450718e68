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

/** For people: the file of a blob within its data directory, or within the directory of its storage class; in a pack, the offset of its record. */
export function fileOfBlob(id: BlobId): { readonly file: string; readonly offset?: number } {
  const name = parseBlobId(id.replace(/^([0-9a-f]{16})\/@[A-Z0-9_]+\//, '$1/'))
  if (!name) return { file: `blobs/${id}` }
  if (name.kind === 'file') return { file: `blobs/${name.lease}/f/${name.shard}/${name.file}` }
  return { file: `blobs/${name.lease}/p/${name.pack}`, offset: name.offset }
}
