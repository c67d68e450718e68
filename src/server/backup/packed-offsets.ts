import { parseBlobId } from '../../storage/blob/blob-id.ts'
import { splitBlobId } from '../../storage/blob/classed-store.ts'
import { fileOfBlob } from './blob-files.ts'

/** Where in each pack the records lie that rows name. */
export interface PackedOffsets {
  readonly add: (blobId: string) => void
  readonly of: (group: string, pack: string) => ReadonlySet<number>
}

export function packedOffsets(): PackedOffsets {
  const packs = new Map<string, Set<number>>()
  return {
    add: (id) => {
      const file = fileOfBlob(id)
      const blob = parseBlobId(splitBlobId(id).inner)
      if (!file || blob?.kind !== 'packed') return
      const path = `${file.group}/${file.name}`
      const offsets = packs.get(path) ?? new Set<number>()
      packs.set(path, offsets.add(blob.offset))
    },
    of: (group, pack) => packs.get(`${group}/${pack}`) ?? new Set(),
  }
}
