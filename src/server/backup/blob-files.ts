import { parseBlobId } from '../../storage/blob/blob-id.ts'
import { splitBlobId } from '../../storage/blob/classed-store.ts'
import { PACK_HEADER_BYTES } from '../../storage/blob/pack-format.ts'

/** The row key of a blob that is needed: space 6, then its id (record-format.md, section 3). */
const BLOB_SPACE = 6

export const blobIdOf = (key: Buffer): string | undefined =>
  key[0] === BLOB_SPACE ? key.toString('latin1', 1) : undefined

export interface BlobFile {
  /** Of its group: `blobs/<lease>/p`. */
  readonly group: string
  readonly name: string
  /** Of a pack: where the blob ends. Undefined of a file of its own. */
  readonly endBytes: number | undefined
}

/** The file that holds a blob. Undefined for what no store made. */
export function fileOfBlob(id: string): BlobFile | undefined {
  const { storageClass, inner } = splitBlobId(id)
  const blob = parseBlobId(inner)
  if (!blob) return undefined
  const root = `${storageClass === undefined ? '' : `classes/${storageClass}/`}blobs/${blob.lease}`
  if (blob.kind === 'file') return { group: `${root}/f/${blob.shard}`, name: blob.file, endBytes: undefined }
  return { group: `${root}/p`, name: blob.pack, endBytes: blob.offset + PACK_HEADER_BYTES + blob.lengthBytes }
}

/** Files that rows need, by group, and then by name: of a pack up to which byte. */
export interface NeededFiles {
  readonly add: (id: string) => void
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, number | undefined>>
  /** Ids of another program, which nobody can find. */
  readonly unknown: readonly string[]
}

export function neededFiles(): NeededFiles {
  const groups = new Map<string, Map<string, number | undefined>>()
  const unknown: string[] = []
  return {
    add: (id) => {
      const file = fileOfBlob(id)
      if (!file) return void unknown.push(id)
      const group = groups.get(file.group) ?? new Map<string, number | undefined>()
      groups.set(file.group, group)
      group.set(file.name, file.endBytes && Math.max(file.endBytes, group.get(file.name) ?? 0))
    },
    groups,
    unknown,
  }
}
