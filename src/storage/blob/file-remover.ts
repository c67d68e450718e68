import { dirname } from 'node:path'
import { hasErrno } from '../errno.ts'
import type { BlobId } from './blob-store.ts'
import type { Directories } from './directory-sync.ts'
import type { DiskFs } from './disk-fs.ts'

export interface BlobFile {
  readonly id: BlobId
  readonly path: string
}

export interface FileRemoverParts {
  readonly disk: DiskFs
  readonly directories: Directories
  /** Called as soon as a file has no name any more. */
  readonly onUnlinked: (path: string) => void
  /** Called after a file is durably gone. */
  readonly onRemoved: (path: string) => Promise<void>
}

const AT_ONCE = 16

/** Unlinks files and makes that durable, one fsync a directory; resolves to the ids that failed. */
export async function removeBlobFiles(parts: FileRemoverParts, files: readonly BlobFile[]): Promise<BlobId[]> {
  const failed: BlobId[] = []
  for (const [directory, inside] of Map.groupBy(files, ({ path }) => dirname(path))) {
    failed.push(...(await removeFromDirectory(parts, directory, inside)))
  }
  return failed
}

async function removeFromDirectory(
  { disk, directories, onUnlinked, onRemoved }: FileRemoverParts,
  directory: string,
  files: readonly BlobFile[],
): Promise<BlobId[]> {
  const failed = new Set<BlobId>()
  for (let from = 0; from < files.length; from += AT_ONCE) {
    await Promise.all(
      files.slice(from, from + AT_ONCE).map(async ({ id, path }) => {
        if (await unlinked(disk, path)) onUnlinked(path)
        else failed.add(id)
      }),
    )
  }
  try {
    // Also for files that were gone: whoever unlinked them may not have come to this.
    await directories.sync(directory)
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) return files.map(({ id }) => id)
  }
  const [first] = files
  if (first) await onRemoved(first.path)
  return [...failed]
}

async function unlinked(disk: DiskFs, path: string): Promise<boolean> {
  try {
    await disk.unlink(path)
    return true
  } catch (error) {
    return hasErrno(error, 'ENOENT', 'ENOTDIR')
  }
}
