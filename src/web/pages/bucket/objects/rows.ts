import type { ObjectEntry, VersionEntry } from '../../../client/s3.ts'

export type Row =
  | { readonly kind: 'folder'; readonly id: string; readonly name: string; readonly prefix: string }
  | { readonly kind: 'object'; readonly id: string; readonly name: string; readonly object: ObjectEntry }
  | { readonly kind: 'version'; readonly id: string; readonly name: string; readonly object: VersionEntry }

/** Under the prefix: what a row is called there. */
const nameIn = (key: string, prefix: string): string => key.slice(prefix.length)

export const folderRow = (folder: string, prefix: string): Row => ({
  ...{ kind: 'folder', id: `d:${folder}`, prefix: folder },
  name: nameIn(folder, prefix),
})

export const objectRow = (object: ObjectEntry, prefix: string): Row => ({
  ...{ kind: 'object', id: `o:${object.key}`, object },
  name: nameIn(object.key, prefix),
})

export const versionRow = (object: VersionEntry, prefix: string): Row => ({
  ...{ kind: 'version', id: `v:${object.versionId}:${object.key}`, object },
  name: nameIn(object.key, prefix),
})

export const keyOfRow = (row: Row): string => (row.kind === 'folder' ? row.prefix : row.object.key)
