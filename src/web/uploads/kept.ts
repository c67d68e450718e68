import { ownerOf, session } from '../client/session.ts'

/** Uploads in parts that are not at their end: what has to be known to go on with one after the page was closed. */
export interface KeptUpload {
  readonly id: string
  /** Whose it is: nobody else is shown its names. */
  readonly owner: string
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly partBytes: number
  readonly fileName: string
  readonly sizeBytes: number
  readonly lastModified: number
}

const NAME = 'coffer-uploads'

/** Of whoever is signed in. */
export const ownerNow = (): string => ownerOf(session())

function stored(): readonly KeptUpload[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(NAME) ?? '[]')
    return Array.isArray(kept) ? kept : []
  } catch {
    return []
  }
}

export const keptUploads = (owner = ownerNow()): readonly KeptUpload[] =>
  stored().filter((upload) => upload.owner === owner)

const store = (uploads: readonly KeptUpload[]): void => {
  if (uploads.length === 0) window.localStorage.removeItem(NAME)
  else window.localStorage.setItem(NAME, JSON.stringify(uploads))
}

export const keepUpload = (upload: KeptUpload): void =>
  store([...stored().filter(({ id }) => id !== upload.id), upload])

export const dropUpload = (id: string): void => store(stored().filter((upload) => upload.id !== id))

/** Whoever leaves has nothing of theirs stay in this browser. What says of nobody whose it is goes, too. */
export function dropUploadsOf(owner: string): void {
  for (const { id } of keptUploads(owner)) void dropHandle(id)
  store(stored().filter((upload) => upload.owner !== undefined && upload.owner !== owner))
}

const HANDLES = 'handles'

function open(): Promise<IDBDatabase> {
  const { promise, resolve, reject } = Promise.withResolvers<IDBDatabase>()
  const request = indexedDB.open('coffer-uploads', 1)
  request.onupgradeneeded = () => request.result.createObjectStore(HANDLES)
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error)
  return promise
}

async function inHandles<Result>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result | undefined> {
  if (typeof indexedDB === 'undefined') return undefined
  const database = await open()
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const request = act(database.transaction(HANDLES, mode).objectStore(HANDLES))
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    return await promise
  } finally {
    database.close()
  }
}

/** The file itself, where the browser lends it for longer than the page lives. */
export const keepHandle = (id: string, handle: FileSystemFileHandle): Promise<unknown> =>
  inHandles('readwrite', (handles) => handles.put(handle, id)).catch(() => undefined)

export const keptHandle = (id: string): Promise<FileSystemFileHandle | undefined> =>
  inHandles<FileSystemFileHandle>('readonly', (handles) => handles.get(id)).catch(() => undefined)

export const dropHandle = (id: string): Promise<unknown> =>
  inHandles('readwrite', (handles) => handles.delete(id)).catch(() => undefined)
