import type { BlobId } from './blob-store.ts'

/**
 * The two shapes of a disk blob's id. All numbers are lower-case hex of a fixed width, so that ids sort as what they
 * name does and one blob has one id.
 */
export type DiskBlobName =
  /** `<lease>/f/<shard>/<file>`: a file of its own. */
  | { readonly kind: 'file'; readonly lease: string; readonly shard: string; readonly file: string }
  /** `<lease>/p/<pack>/<offset>/<length>`: a record of a pack file; the offset is that of the record's header. */
  | {
      readonly kind: 'packed'
      readonly lease: string
      readonly pack: string
      readonly offset: number
      readonly lengthBytes: number
    }

export const LEASE = /^[0-9a-f]{16}$/
export const SHARD = /^[0-9a-f]{8}$/
export const FILE = /^[0-9a-f]{3}$/
export const PACK = /^[0-9a-f]{8}$/
export const FILES_PER_SHARD = 0x1000

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

const FILE_ID = /^([0-9a-f]{16})\/f\/([0-9a-f]{8})\/([0-9a-f]{3})$/
const PACKED_ID = /^([0-9a-f]{16})\/p\/([0-9a-f]{8})\/([0-9a-f]{8})\/([0-9a-f]{8})$/

/** Undefined for anything that this store never made. Only what this lets through becomes part of a path. */
export function parseBlobId(id: BlobId): DiskBlobName | undefined {
  const [, fileLease, shard, file] = FILE_ID.exec(id) ?? []
  if (fileLease && shard && file) return { kind: 'file', lease: fileLease, shard, file }
  const [, lease, pack, offset, length] = PACKED_ID.exec(id) ?? []
  if (!lease || !pack || !offset || !length) return undefined
  return { kind: 'packed', lease, pack, offset: Number.parseInt(offset, 16), lengthBytes: Number.parseInt(length, 16) }
}

export function formatBlobId(name: DiskBlobName): BlobId {
  if (name.kind === 'file') return `${name.lease}/f/${name.shard}/${name.file}`
  return `${name.lease}/p/${name.pack}/${hex(name.offset, 8)}/${hex(name.lengthBytes, 8)}`
}

/** How the ids of all blobs in a pack begin, and no others. */
export const packPrefix = (lease: string, pack: string): string => `${lease}/p/${pack}/`

export const packName = (number: number): string => hex(number, 8)

/** The nth file of a lease, counted from 0. Consecutive files share a directory, and so its fsync. */
export const fileName = (number: number): { readonly shard: string; readonly file: string } => ({
  shard: hex(Math.floor(number / FILES_PER_SHARD), 8),
  file: hex(number % FILES_PER_SHARD, 3),
})
