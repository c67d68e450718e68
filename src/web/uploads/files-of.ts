import type { FileToUpload } from './uploader.ts'

/** Of a chooser: of files, or of a folder with all that is in it. */
export const filesOfInput = (input: HTMLInputElement): readonly FileToUpload[] =>
  [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }))

type WithHandles = DataTransferItem & { readonly getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> }

/** Of what was dropped, folders with all that is in them. To be called in the event itself: later it is empty. */
export async function filesOfDrop(transfer: DataTransfer): Promise<readonly FileToUpload[]> {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file') as readonly WithHandles[]
  const dropped = items.map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }))
  const found = await Promise.all(
    dropped.map(async ({ entry, file, handle }): Promise<readonly FileToUpload[]> => {
      if (entry?.isDirectory) return filesUnder(entry as FileSystemDirectoryEntry)
      if (!file) return []
      const lent = await handle
      return [{ file, path: file.name, handle: lent?.kind === 'file' ? (lent as FileSystemFileHandle) : undefined }]
    }),
  )
  return found.flat()
}

async function filesUnder(folder: FileSystemDirectoryEntry): Promise<readonly FileToUpload[]> {
  const reader = folder.createReader()
  const found: FileToUpload[] = []
  for (;;) {
    // It gives a hundred at a time, and none at its end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return found
    for (const entry of entries) {
      if (entry.isDirectory) found.push(...(await filesUnder(entry as FileSystemDirectoryEntry)))
      else found.push(await fileOf(entry as FileSystemFileEntry))
    }
  }
}

const fileOf = async (entry: FileSystemFileEntry): Promise<FileToUpload> => ({
  file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)),
  path: entry.fullPath.replace(/^\//, ''),
})
