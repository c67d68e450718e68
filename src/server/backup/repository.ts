import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { createHasher } from '../../base/checksums.ts'
import { newUuid } from '../../base/ids.ts'
import { canonicalJson } from '../../envelope/canonical-json.ts'
import { ensureDirectory, syncDirectory } from '../../storage/directories.ts'
import { hasErrno } from '../../storage/errno.ts'
import { lockDataDirectory } from '../../storage/lock.ts'
import { replaceFile } from '../../storage/replace-file.ts'
import { backupError, FORMAT, isBackupId, parseManifest, type ReadManifest, sha256 } from './manifest.ts'

/** Bytes that are named by their SHA-256. */
export interface StoredObject {
  readonly sha256: string
  readonly bytes: number
}

/** A directory of backups (docs/backup.md, section 2.1), to be read. */
export interface Repository {
  readonly directory: string
  readonly id: string
  /** Of the backups, oldest first. */
  readonly ids: () => Promise<string[]>
  /** Throws BackupInvalid. */
  readonly manifest: (id: string) => Promise<ReadManifest>
  readonly pathOf: (sha256: string) => string
  /** Is it there, at that length? */
  readonly has: (object: StoredObject) => Promise<boolean>
  /** Small ones, whole. Throws BackupInvalid when it is missing or not what its name says. */
  readonly read: (sha256: string) => Promise<Buffer>
  /** Throws BackupInvalid at its end when it was not what its name says, and when it is missing. */
  readonly stream: (object: StoredObject) => AsyncIterable<Buffer>
}

/** One process at a time. */
export interface RepositoryWriter extends Repository, Disposable {
  readonly put: (bytes: Buffer) => Promise<StoredObject & { readonly isNew: boolean }>
  readonly putStream: (source: AsyncIterable<Buffer>) => Promise<StoredObject & { readonly isNew: boolean }>
  /** Makes the names of all objects durable, and then the manifest. */
  readonly finish: (id: string, manifest: string) => Promise<void>
  readonly unfinished: (name: string) => string
}

const MARK = 'coffer-backup.json'
const READ_BYTES = 1024 ** 2

const mark = z.object({ format: z.literal(FORMAT), repositoryId: z.uuid() })

const objectPath = (directory: string, name: string): string =>
  join(directory, 'objects', name.slice(0, 2), name.slice(2))
const manifestPath = (directory: string, id: string): string => join(directory, 'backups', `${id}.json`)

/** Throws BackupInvalid when the directory is none. */
export async function openRepository(given: string): Promise<Repository> {
  const directory = resolve(given)
  const id = await readMark(directory)
  if (id === undefined) {
    throw backupError(
      'BackupInvalid',
      `${directory} is no backup repository: it has no ${MARK}. Name the directory that was given to \`coffer backup\``,
    )
  }
  return repository(directory, id)
}

/** Made when the directory is empty or not there. Throws BackupConflict for one with something else in it, StoreLocked. */
export async function openRepositoryWriter(given: string): Promise<RepositoryWriter> {
  const directory = resolve(given)
  await ensureDirectory(directory)
  const found = await readMark(directory)
  const others = (await readdir(directory)).filter(
    (name) => !['lost+found', 'coffer.lock', 'coffer.pid', `${MARK}.new`].includes(name),
  )
  if (found === undefined && others.length > 0) {
    throw backupError(
      'BackupConflict',
      `${directory} holds something else than backups: give a directory that is empty or not there yet`,
    )
  }
  const lock = lockDataDirectory(directory)
  try {
    for (const name of ['objects', 'backups', 'unfinished']) await ensureDirectory(join(directory, name))
    const id = found ?? (await makeMark(directory))
    return writer(repository(directory, id), lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function makeMark(directory: string): Promise<string> {
  const repositoryId = newUuid()
  await replaceFile(
    join(directory, MARK),
    `${canonicalJson({ createdAt: new Date().toISOString(), format: FORMAT, repositoryId })}\n`,
  )
  return repositoryId
}

async function readMark(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, MARK), 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  const format = /"format":"([^"]*)"/.exec(text)?.[1]
  if (format !== undefined && format !== FORMAT) {
    throw backupError(
      'BackupInvalid',
      `${directory} has the format ${format}, which this Coffer does not know: use a later one`,
    )
  }
  try {
    return mark.parse(JSON.parse(text)).repositoryId
  } catch (cause) {
    throw backupError(
      'BackupInvalid',
      `${join(directory, MARK)} is damaged: it has to say {"format":"${FORMAT}","repositoryId":…}, the id being that in the manifests`,
      cause,
    )
  }
}

function repository(directory: string, id: string): Repository {
  const pathOf = (name: string): string => objectPath(directory, name)
  const stream = async function* ({ sha256: name, bytes }: StoredObject): AsyncGenerator<Buffer> {
    const hasher = createHasher('sha256')
    let read = 0
    try {
      for await (const chunk of createReadStream(pathOf(name), { highWaterMark: READ_BYTES })) {
        hasher.update(chunk)
        read += chunk.length
        yield chunk
      }
    } catch (cause) {
      if (hasErrno(cause, 'ENOENT')) throw backupError('BackupInvalid', `${pathOf(name)} is missing`, cause)
      throw cause
    }
    if (read === bytes && hasher.digest().toString('hex') === name) return
    throw backupError('BackupInvalid', `${pathOf(name)} is damaged: its bytes are not those that were written`)
  }
  return {
    directory,
    id,
    ids: async () => {
      const names = await readdir(join(directory, 'backups')).catch((error: unknown) => {
        if (hasErrno(error, 'ENOENT')) return []
        throw error
      })
      const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
      return ids.filter(isBackupId).sort()
    },
    manifest: async (of) => {
      const path = manifestPath(directory, of)
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        if (hasErrno(error, 'ENOENT')) throw backupError('BackupInvalid', `there is no backup ${of} in ${directory}`)
        throw error
      })
      const read = parseManifest(text, path)
      if (read.manifest.id === of && read.manifest.repositoryId === id) return read
      throw backupError('BackupInvalid', `${path} is of another backup (${read.manifest.id}) or repository`)
    },
    pathOf,
    has: async ({ sha256: name, bytes }) => {
      const stats = await stat(pathOf(name)).catch((error: unknown) => {
        if (hasErrno(error, 'ENOENT')) return undefined
        throw error
      })
      return stats?.size === bytes
    },
    read: async (name) => {
      const bytes = await readFile(pathOf(name)).catch((error: unknown) => {
        if (hasErrno(error, 'ENOENT')) throw backupError('BackupInvalid', `${pathOf(name)} is missing`)
        throw error
      })
      if (sha256(bytes) === name) return bytes
      throw backupError('BackupInvalid', `${pathOf(name)} is damaged: its bytes are not those that were written`)
    },
    stream,
  }
}

function writer(inner: Repository, release: () => void): RepositoryWriter {
  const { directory } = inner
  let drafts = 0
  const unfinished = (name: string): string => join(directory, 'unfinished', name)

  const putStream: RepositoryWriter['putStream'] = async (source) => {
    const draft = unfinished(`${process.pid}-${++drafts}.part`)
    const hasher = createHasher('sha256')
    let bytes = 0
    try {
      await using file = await open(draft, 'w', 0o600)
      for await (const chunk of source) {
        hasher.update(chunk)
        await file.writeFile(chunk)
        bytes += chunk.length
      }
      await file.datasync()
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    return place(draft, { sha256: hasher.digest().toString('hex'), bytes })
  }

  const place = async (draft: string, object: StoredObject) => {
    const path = inner.pathOf(object.sha256)
    if (await inner.has(object)) {
      await rm(draft)
      return { ...object, isNew: false }
    }
    await ensureDirectory(dirname(path))
    await rename(draft, path)
    return { ...object, isNew: true }
  }

  return {
    ...inner,
    put: async (bytes) => {
      const object = { sha256: sha256(bytes), bytes: bytes.length }
      if (await inner.has(object)) return { ...object, isNew: false }
      return putStream(
        (async function* () {
          yield bytes
        })(),
      )
    },
    putStream,
    finish: async (id, manifest) => {
      // All of them: what a backup that was killed has placed is taken as it lies, and nobody has synced its name.
      const objects = join(directory, 'objects')
      for (const shard of await readdir(objects)) await syncDirectory(join(objects, shard))
      await replaceFile(manifestPath(directory, id), manifest)
    },
    unfinished,
    [Symbol.dispose]: release,
  }
}
