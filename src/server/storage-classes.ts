import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import type { BlobStore } from '../storage/blob/blob-store.ts'
import { type DiskStoreOptions, openDiskStore } from '../storage/blob/disk-store.ts'
import { ensureDirectory } from '../storage/directories.ts'
import { hasErrno } from '../storage/errno.ts'
import { invalidConfig } from './config-error.ts'
import type { StoresErrorCode } from './stores.ts'

export interface StorageClass {
  readonly name: string
  readonly directory: string
}

/** In the class's directory: whose it is. The same stands in the data directory, under the name of the class. */
const MARK = 'coffer-storage-class'

/**
 * The blob stores of further storage classes. A directory that was used before and does not say so, because a file system
 * is not mounted or another one is, is refused: what it should hold would be taken for lost. Throws StoreIncomplete and
 * ConfigInvalid.
 */
export async function openStorageClasses(
  classes: readonly StorageClass[],
  dataDir: string,
  options: DiskStoreOptions,
  scope: AsyncDisposableStack,
): Promise<ReadonlyMap<string, BlobStore>> {
  const stores = new Map<string, BlobStore>()
  for (const { name, directory } of classes) {
    const place = resolve(directory)
    if (isInside(place, resolve(dataDir)) || isInside(resolve(dataDir), place)) {
      throw invalidConfig(`the directory of the storage class ${name} and the data directory lie in one another`)
    }
    await checkMark(name, place, dataDir)
    const store = await openDiskStore(join(place, 'blobs'), options)
    scope.defer(() => store.close())
    stores.set(name, store)
  }
  return stores
}

const isInside = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer + sep)

async function checkMark(name: string, directory: string, dataDir: string): Promise<void> {
  const known = join(dataDir, 'storage-classes', name)
  const expected = await readMark(known)
  const found = await readMark(join(directory, MARK))
  if (expected === undefined && found === undefined) {
    await ensureDirectory(directory)
    await mkdir(join(dataDir, 'storage-classes'), { recursive: true })
    const mark = `${name} ${newUuid()}\n`
    await writeFile(join(directory, MARK), mark, { flush: true })
    await writeFile(known, mark, { flush: true })
    return
  }
  if (found === undefined) {
    throw new CodedError<StoresErrorCode>(
      'StoreIncomplete',
      `the directory ${directory} of the storage class ${name} is not the one that was used before: mount it, or restore it from the same backup as the data directory. Nothing was changed`,
    )
  }
  if (found !== expected) {
    throw invalidConfig(
      `the directory ${directory} of the storage class ${name} belongs to another class or data directory`,
    )
  }
}

async function readMark(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
