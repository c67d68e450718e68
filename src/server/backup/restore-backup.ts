import { open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { canonicalJson } from '../../envelope/canonical-json.ts'
import { nodeFs } from '../../storage/blob/disk-fs.ts'
import { REMOVED, STATE_OFFSET } from '../../storage/blob/pack-format.ts'
import { scanPack } from '../../storage/blob/pack-scan.ts'
import { ensureDirectory, syncDirectory } from '../../storage/directories.ts'
import { hasErrno } from '../../storage/errno.ts'
import { replaceFile } from '../../storage/replace-file.ts'
import { RESTORED_FILE, RESTORING_FILE } from '../restored.ts'
import { blobIdOf } from './blob-files.ts'
import { backupError, type FileEntry, type Manifest, type StoreEntry } from './manifest.ts'
import { packedOffsets } from './packed-offsets.ts'
import { placeStore } from './place-store.ts'
import { filesOf, rowsOf } from './read-backup.ts'
import type { Repository } from './repository.ts'

export interface RestoreTarget {
  readonly dataDir: string
  /** Directories of storage classes, by name. */
  readonly classes: ReadonlyMap<string, string>
}

export interface RestorePlan {
  readonly files: number
  readonly bytes: number
  /** An earlier run of the same restore was cut short: it is gone on with. */
  readonly resumes: boolean
}

/**
 * What a restore would do, and whether it may. Writes nothing. Throws BackupConflict when something is in the way: nothing is
 * ever written over.
 */
export async function planRestore(
  repository: Repository,
  manifest: Manifest,
  target: RestoreTarget,
): Promise<RestorePlan> {
  const resumes = await isResumed(manifest, target.dataDir)
  const needed = new Map<string, number>()
  let files = 0
  for (const { path, bytes, files: count } of manifest.groups) {
    const { directory } = placeOf(path, target)
    const device = await existingAbove(directory)
    needed.set(device, (needed.get(device) ?? 0) + bytes)
    files += count
  }
  const rowBytes = manifest.stores.reduce((sum, { bytes }) => sum + bytes, 0)
  const device = await existingAbove(target.dataDir)
  // While a store is filled LevelDB has some of it twice.
  needed.set(device, (needed.get(device) ?? 0) + 2 * rowBytes)
  for (const [, directory] of target.classes) await refuseClass(directory, resumes)
  if (!resumes) for (const [directory, bytes] of needed) await ensureSpace(directory, bytes)
  for (const group of manifest.groups) {
    for (const [name, , pieces] of await filesOf(repository, group)) {
      for (const [sha256, bytes] of pieces) {
        if (await repository.has({ sha256, bytes })) continue
        throw backupError(
          'BackupInvalid',
          `${repository.pathOf(sha256)}, of ${group.path}/${name}, is missing or has another length: \`coffer backup verify\` lists all that is wrong`,
        )
      }
    }
  }
  const bytes = rowBytes + manifest.groups.reduce((sum, group) => sum + group.bytes, 0)
  return { files, bytes, resumes }
}

export interface RestoreOptions {
  readonly repository: Repository
  readonly manifest: Manifest
  readonly target: RestoreTarget
  readonly onProgress?: (progress: { readonly files: number; readonly bytes: number }) => void
}

/**
 * Puts a backup into an empty place. Until the very last step no server takes what is there for a data directory. May be
 * run again after it was cut short. Precondition: planRestore did not throw, and the data directory is locked.
 */
export async function restoreBackup(options: RestoreOptions): Promise<void> {
  const { repository, manifest, target, onProgress = () => {} } = options
  const { dataDir } = target
  await replaceFile(
    join(dataDir, RESTORING_FILE),
    `${canonicalJson({ v: 1, backup: manifest.id, repository: manifest.repositoryId })}\n`,
  )
  const done = { files: 0, bytes: 0 }
  const tell = (files: number, bytes: number): void => {
    done.files += files
    done.bytes += bytes
    onProgress(done)
  }
  const named = packedOffsets()
  for (const store of manifest.stores) {
    await restoreStore(repository, store, dataDir, named.add)
    tell(0, store.bytes)
  }
  if (manifest.stores.some(({ name }) => name === 'metadata')) await ensureDirectory(join(dataDir, 'blobs'))
  for (const group of manifest.groups) {
    // The seal is last: with it a store is there.
    if (group.path === '.') continue
    const { directory } = placeOf(group.path, target)
    await ensureDirectory(directory)
    for (const entry of await filesOf(repository, group)) {
      await restoreFile(repository, directory, entry, async (draft) => {
        if (group.path.endsWith('/p')) await removeUnnamed(draft, named.of(group.path, entry[0]))
      })
      tell(1, entry[1])
      if (group.path === 'storage-classes') await markClass(repository, entry, target)
    }
    await syncDirectory(directory)
  }
  const restored = { v: 1, backup: manifest.id, takenAt: manifest.takenAt, restoredAt: new Date().toISOString() }
  await replaceFile(join(dataDir, RESTORED_FILE), `${canonicalJson(restored)}\n`)
  for (const group of manifest.groups.filter(({ path }) => path === '.')) {
    for (const entry of await filesOf(repository, group)) await restoreFile(repository, dataDir, entry)
  }
  await rm(join(dataDir, RESTORING_FILE))
  await syncDirectory(dataDir)
}

/** The directory that a group's files go to. Throws BackupRefused for a class that has none. */
function placeOf(path: string, { dataDir, classes }: RestoreTarget): { readonly directory: string } {
  const [, name, inside] = /^classes\/([^/]+)\/(.+)$/.exec(path) ?? []
  if (name === undefined || inside === undefined) return { directory: path === '.' ? dataDir : join(dataDir, path) }
  const directory = classes.get(name)
  if (directory !== undefined) return { directory: join(directory, inside) }
  throw backupError(
    'BackupRefused',
    `the backup has objects of the storage class ${name}: say where they go with COFFER_STORAGE_CLASSES, ${name}=<empty directory>`,
  )
}

const OWN_FILES: ReadonlySet<string> = new Set(['lost+found', 'coffer.lock', 'coffer.pid', `${RESTORING_FILE}.new`])

async function isResumed(manifest: Manifest, dataDir: string): Promise<boolean> {
  const names = await namesIn(dataDir)
  if (names.includes(RESTORING_FILE)) {
    const text = await readFile(join(dataDir, RESTORING_FILE), 'utf8')
    if (text.includes(`"backup":"${manifest.id}"`) && text.includes(manifest.repositoryId)) return true
    throw backupError(
      'BackupConflict',
      `${dataDir} holds the beginning of another restore (${text.trim()}): finish that one, or remove the directory`,
    )
  }
  const others = names.filter((name) => !OWN_FILES.has(name))
  if (others.length === 0) return false
  throw backupError(
    'BackupConflict',
    `${dataDir} is not empty (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}). A restore writes over nothing: move it away first, it may hold what is newer than the backup`,
  )
}

async function refuseClass(directory: string, resumes: boolean): Promise<void> {
  const names = (await namesIn(directory)).filter((name) => name !== 'lost+found')
  if (names.length === 0 || resumes) return
  throw backupError(
    'BackupConflict',
    `the directory ${directory} of a storage class is not empty. A restore writes over nothing: move it away first`,
  )
}

const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  })

async function existingAbove(directory: string): Promise<string> {
  const there = await stat(directory).then(
    () => true,
    () => false,
  )
  return there || dirname(directory) === directory ? directory : existingAbove(dirname(directory))
}

async function ensureSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize >= bytes) return
  throw backupError('BackupRefused', `${directory} has ${bavail * bsize} bytes free, and ${bytes} are needed`)
}

async function restoreStore(
  repository: Repository,
  store: StoreEntry,
  dataDir: string,
  onBlob: (id: string) => void,
): Promise<void> {
  const pages = async function* () {
    for await (const pairs of rowsOf(repository, store)) {
      for (const [key] of pairs) {
        const blob = blobIdOf(key)
        if (blob !== undefined) onBlob(blob)
      }
      yield pairs
    }
  }
  // From an earlier run. What its rows name is to be known all the same.
  if ((await namesIn(join(dataDir, store.name))).length > 0) for await (const _ of pages());
  else await placeStore(dataDir, store.name, pages())
}

async function restoreFile(
  repository: Repository,
  directory: string,
  [name, bytes, pieces]: FileEntry,
  finish: (draft: string) => Promise<void> = async () => {},
): Promise<void> {
  const path = join(directory, name)
  // It got its name when it was whole and synced.
  if (await stat(path).catch(() => undefined)) return
  const draft = `${path}.restoring`
  {
    await using file = await open(draft, 'w', 0o600)
    for (const [sha256, length] of pieces) {
      for await (const chunk of repository.stream({ sha256, bytes: length })) await file.writeFile(chunk)
    }
    await file.sync()
    if ((await file.stat()).size !== bytes)
      throw backupError('BackupInvalid', `${name} does not have the length that its index says`)
  }
  await finish(draft)
  await rename(draft, path)
}

/** Records that no row names were removed, or are to be: nobody would ever free them. */
async function removeUnnamed(path: string, named: ReadonlySet<number>): Promise<void> {
  const fd = await nodeFs.open(path, 'r+')
  try {
    for await (const { offset, live } of scanPack(nodeFs, fd, 0, await nodeFs.sizeOf(path))) {
      if (live && !named.has(offset)) await nodeFs.writev(fd, [REMOVED], offset + STATE_OFFSET)
    }
    await nodeFs.fdatasync(fd)
  } finally {
    await nodeFs.close(fd)
  }
}

/** In the class's directory the same text says whose it is. */
async function markClass(
  repository: Repository,
  [name, , pieces]: FileEntry,
  { classes }: RestoreTarget,
): Promise<void> {
  const directory = classes.get(name)
  if (directory === undefined) return
  await ensureDirectory(directory)
  const texts = await Promise.all(pieces.map(([sha256]) => repository.read(sha256)))
  await replaceFile(join(directory, 'coffer-storage-class'), Buffer.concat(texts).toString('utf8'))
}
