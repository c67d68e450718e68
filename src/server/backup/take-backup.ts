import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileNumber } from '../../audit/format.ts'
import { readPublicKeys } from '../../audit/keys.ts'
import { hasCode } from '../../base/errors.ts'
import { canonicalJson } from '../../envelope/canonical-json.ts'
import { hasErrno } from '../../storage/errno.ts'
import { type NeededFiles, neededFiles } from './blob-files.ts'
import { type CopiedLog, openCopiedLog } from './copied-log.ts'
import { copyRows } from './copy-rows.ts'
import {
  backupError,
  digestOf,
  type FileEntry,
  FORMAT,
  type GroupEntry,
  type Manifest,
  type ManifestBody,
  parseIndex,
  type StoreEntry,
  wrongSignature,
} from './manifest.ts'
import type { RepositoryWriter, StoredObject } from './repository.ts'
import type { BackupSession } from './session.ts'

export interface Progress {
  readonly rows: number
  readonly files: number
  readonly ofFiles: number | undefined
  /** Read from the data directory so far. */
  readonly copiedBytes: number
}

export interface TakenBackup {
  readonly manifest: Manifest
  /** Bytes that the repository has more than before. */
  readonly addedBytes: number
  /** What is new of them in files: bytes that were read from the data directory. */
  readonly copiedBytes: number
  /** Earlier manifests that were not gone on from, and why. */
  readonly warnings: readonly string[]
}

export interface TakeOptions {
  readonly session: BackupSession
  readonly repository: RepositoryWriter
  readonly onProgress?: (progress: Progress) => void
}

const AT_ONCE = 4
const READ_BYTES = 1024 ** 2

/** Whether what the repository has of a file is what is there now. */
type Kind =
  /** It is: nothing is written to the place of something else. */
  | 'blob'
  /** Where they end alike, for lines are chained: a store that was put back goes on from an earlier line than the last that was copied. */
  | 'audit'
  /** Nobody knows: the file may have been put in the place of another one. */
  | 'own'

/**
 * Copies what the session shows into the repository: of what is there already, nothing. Throws BackupInterrupted when the
 * server ended; what was copied is taken by the next one then.
 */
export async function takeBackup({ session, repository, onProgress = () => {} }: TakeOptions): Promise<TakenBackup> {
  const { info } = session
  await using log = await openCopiedLog(repository)
  const warnings: string[] = []
  const earlier = await latest(repository, session, warnings)
  const copier = fileCopier({ repository, log, earlier })
  const progress = { rows: 0, files: 0, ofFiles: undefined as number | undefined }
  const tell = (): void => onProgress({ ...progress, copiedBytes: copier.copiedBytes() })

  // First of all: the oldest of these files go when the log is full.
  const groups: GroupEntry[] = [await copier.audit(join(info.dataDir, 'audit'))]
  const needed = neededFiles()
  const stores: StoreEntry[] = []
  let addedBytes = 0
  for (const name of ['iam', 'kms', 'metadata'] as const) {
    if (!info.stores.includes(name)) continue
    const copied = await copyRows(repository, name, session.rows(name), needed.add)
    stores.push(copied.entry)
    addedBytes += copied.addedBytes
    progress.rows += copied.entry.rows
    tell()
  }
  progress.ofFiles = [...needed.groups.values()].reduce((sum, group) => sum + group.size, 0)
  groups.push(...(await copyOwnFiles(copier, info.dataDir)))
  const blobs = await copyBlobs(copier, needed, rootsOf(session), (files) => {
    progress.files += files
    tell()
  })
  groups.push(...blobs.groups)

  const body: ManifestBody = {
    format: FORMAT,
    id: info.id,
    repositoryId: repository.id,
    takenAt: info.takenAt,
    version: info.version,
    instanceKeyId: info.instanceKeyId,
    stores,
    groups: groups.filter(({ files }) => files > 0).sort((a, b) => (a.path < b.path ? -1 : 1)),
    missing: [...needed.unknown, ...blobs.missing].sort(),
    signingKeyId: info.signingKeyId,
  }
  // The server signs while it still holds what was copied: that nothing of it went away meanwhile follows.
  const manifest = { ...body, signature: await session.sign(digestOf(body)) }
  await repository.finish(body.id, `${canonicalJson(manifest)}\n`)
  await log.end()
  tell()
  return { manifest, addedBytes: addedBytes + copier.addedBytes(), copiedBytes: copier.copiedBytes(), warnings }
}

/** The newest manifest that this store signed: what it has need not be copied again. */
async function latest(
  repository: RepositoryWriter,
  { info }: BackupSession,
  warnings: string[],
): Promise<Manifest | undefined> {
  const keys = readPublicKeys(info.publicKeyPem)
  for (const id of (await repository.ids()).reverse()) {
    try {
      const read = await repository.manifest(id)
      const wrong = wrongSignature(read, keys)
      if (wrong === undefined) return read.manifest
      warnings.push(`the manifest of ${id} ${wrong}: nothing of it is gone on from`)
    } catch (error) {
      if (!hasCode(error)) throw error
      warnings.push(error.message)
    }
  }
  return undefined
}

interface CopierOptions {
  readonly repository: RepositoryWriter
  readonly log: CopiedLog
  readonly earlier: Manifest | undefined
}

interface Copier {
  /** Undefined when the file is not there; as much as is there when it is shorter than `endBytes`. Throws what the disk does. */
  readonly file: (
    kind: Kind,
    group: string,
    directory: string,
    name: string,
    endBytes?: number,
  ) => Promise<FileEntry | undefined>
  readonly audit: (directory: string) => Promise<GroupEntry>
  readonly group: (path: string, entries: readonly FileEntry[]) => Promise<GroupEntry>
  readonly addedBytes: () => number
  readonly copiedBytes: () => number
}

function fileCopier({ repository, log, earlier }: CopierOptions): Copier {
  let [addedBytes, copiedBytes] = [0, 0]
  const indexes = new Map((earlier?.groups ?? []).map(({ path, index }) => [path, index]))
  const read = new Map<string, ReadonlyMap<string, FileEntry>>()

  /** What the earlier backup has of a group. */
  const knownOf = async (path: string): Promise<ReadonlyMap<string, FileEntry>> => {
    const known = read.get(path)
    if (known) return known
    const index = indexes.get(path)
    // One that cannot be read costs another copy of its files.
    const bytes = index === undefined ? undefined : await repository.read(index).catch(() => undefined)
    const entries = new Map(bytes ? parseIndex(bytes, path).map((entry) => [entry[0], entry] as const) : [])
    read.clear()
    read.set(path, entries)
    return entries
  }

  /** Is what was copied of a file, `from` there on, what the file has there now? */
  const isStill = async (kind: Kind, file: FileHandle, object: StoredObject, from: number): Promise<boolean> =>
    kind === 'blob' || (kind === 'audit' && (await endsAlike(file, from + object.bytes, repository, object)))

  /** Pieces that the repository has of a file, one after the other from its beginning. */
  const piecesOf = async (kind: Kind, path: string, name: string, file: FileHandle): Promise<StoredObject[]> => {
    const pieces: StoredObject[] = []
    let at = 0
    for (const [sha256, bytes] of (await knownOf(path)).get(name)?.[2] ?? []) {
      const piece = { sha256, bytes }
      if (!((await repository.has(piece)) && (await isStill(kind, file, piece, at)))) return pieces
      pieces.push(piece)
      at += bytes
    }
    return pieces
  }

  const lengthOf = (pieces: readonly StoredObject[]): number => pieces.reduce((sum, { bytes }) => sum + bytes, 0)

  /** The bytes of an open file from `from` on. */
  const copyRange = async (
    kind: Kind,
    file: FileHandle,
    where: string,
    from: number,
    to: number,
  ): Promise<StoredObject> => {
    const logged = log.find(where, from)
    // What was copied may go further than is needed now.
    if (logged && logged.bytes <= to - from && (await repository.has(logged)))
      if (await isStill(kind, file, logged, from)) return logged
    const object = await repository.putStream(rangeOf(file, from, to))
    copiedBytes += object.bytes
    if (object.isNew) addedBytes += object.bytes
    await log.note(where, from, object)
    return object
  }

  const pieces = async (
    kind: Kind,
    path: string,
    name: string,
    file: FileHandle,
    end: number,
  ): Promise<StoredObject[]> => {
    const found = await piecesOf(kind, path, name, file)
    for (let at = lengthOf(found); at < end; at = lengthOf(found)) {
      found.push(await copyRange(kind, file, `${path}/${name}`, at, end))
    }
    return found
  }

  const entryOf = (name: string, of: readonly StoredObject[]): FileEntry => [
    name,
    lengthOf(of),
    of.map(({ sha256, bytes }) => [sha256, bytes]),
  ]

  return {
    file: async (kind, path, directory, name, endBytes) => {
      await using file = await openExisting(join(directory, name))
      if (!file) return undefined
      const { size } = await file.stat()
      return entryOf(name, await pieces(kind, path, name, file, Math.min(endBytes ?? size, size)))
    },
    audit: async (directory) => {
      const names = (await readdir(directory)).filter((name) => fileNumber(name) !== undefined).sort()
      await using scope = new AsyncDisposableStack()
      const files: (readonly [string, FileHandle])[] = []
      for (const name of names) {
        const file = await openExisting(join(directory, name))
        if (!file)
          throw backupError(
            'BackupInterrupted',
            'the audit log was shortened while it was opened: run the same command again',
          )
        files.push([name, scope.use(file)])
      }
      const entries: FileEntry[] = []
      for (const [name, file] of files) {
        // What a crash left at the end of an earlier one belongs to it: the next one says what it is.
        const end = name === names.at(-1) ? await endOfLines(file) : (await file.stat()).size
        entries.push(entryOf(name, await pieces('audit', 'audit', name, file, end)))
      }
      return groupOf('audit', entries)
    },
    group: groupOf,
    addedBytes: () => addedBytes,
    copiedBytes: () => copiedBytes,
  }

  async function groupOf(path: string, entries: readonly FileEntry[]): Promise<GroupEntry> {
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
    const index = await repository.put(Buffer.from(canonicalJson(sorted), 'utf8'))
    if (index.isNew) addedBytes += index.bytes
    const bytes = sorted.reduce((sum, [, length]) => sum + length, 0)
    return { path, files: sorted.length, bytes, index: index.sha256 }
  }
}

const openExisting = (path: string): Promise<FileHandle | undefined> =>
  open(path, 'r').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })

/** So many bytes hold the whole last line, or at least its hash, which all lines before it are in. */
const ENDING_BYTES = 64 * 1024

/** Has `file` before byte `end` what the object ends with? */
async function endsAlike(
  file: FileHandle,
  end: number,
  repository: RepositoryWriter,
  { sha256, bytes }: StoredObject,
): Promise<boolean> {
  const length = Math.min(bytes, ENDING_BYTES)
  await using copied = await openExisting(repository.pathOf(sha256))
  if (!copied) return false
  const [there, here] = [Buffer.alloc(length), Buffer.alloc(length)]
  const read = await Promise.all([
    copied.read(there, 0, length, bytes - length),
    file.read(here, 0, length, end - length),
  ])
  return read.every(({ bytesRead }) => bytesRead === length) && there.equals(here)
}

async function* rangeOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, to - at))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at)
    if (bytesRead === 0)
      throw backupError('BackupInterrupted', 'a file became shorter while it was copied: run the same command again')
    yield bytes.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** Behind the last line feed: what follows is being written. */
async function endOfLines(file: FileHandle): Promise<number> {
  const { size } = await file.stat()
  const window = Buffer.alloc(Math.min(size, 128 * 1024))
  await file.read(window, 0, window.length, size - window.length)
  return size - window.length + window.lastIndexOf(0x0a) + 1
}

/** Where the blobs of each storage class lie; '' is that of the data directory. */
function rootsOf({ info }: BackupSession): ReadonlyMap<string, string> {
  return new Map([
    ['', info.dataDir],
    ...info.storageClasses.map(({ name, directory }) => [`classes/${name}/`, directory] as const),
  ])
}

async function copyOwnFiles(copier: Copier, dataDir: string): Promise<GroupEntry[]> {
  const seal = await copier.file('own', '.', dataDir, 'instance-key.json')
  if (!seal)
    throw backupError(
      'BackupInterrupted',
      `${dataDir} has no instance-key.json: nothing in a backup could be opened without it`,
    )
  const marks = join(dataDir, 'storage-classes')
  const names = (await stat(marks).catch(() => undefined)) ? await readdir(marks) : []
  const texts = await Promise.all(names.map((name) => copier.file('own', 'storage-classes', marks, name)))
  return [
    await copier.group('.', [seal]),
    await copier.group(
      'storage-classes',
      texts.filter((entry) => entry !== undefined),
    ),
  ]
}

async function copyBlobs(
  copier: Copier,
  { groups }: NeededFiles,
  roots: ReadonlyMap<string, string>,
  onCopied: (files: number) => void,
): Promise<{ readonly groups: GroupEntry[]; readonly missing: string[] }> {
  const copied: GroupEntry[] = []
  const missing: string[] = []
  for (const [path, files] of groups) {
    const [, prefix = '', inside = ''] = /^(classes\/[^/]+\/|)(.*)$/.exec(path) ?? []
    const root = roots.get(prefix)
    const entries: FileEntry[] = []
    const waiting = files.entries()
    const work = async (): Promise<void> => {
      for (const [name, endBytes] of waiting) {
        const entry =
          root === undefined ? undefined : await readable(copier.file('blob', path, join(root, inside), name, endBytes))
        if (entry) entries.push(entry)
        if (!entry || entry[1] < (endBytes ?? 0)) missing.push(`${path}/${name}`)
        onCopied(1)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    copied.push(await copier.group(path, entries))
  }
  return { groups: copied, missing }
}

/** Undefined for what the disk cannot read any more: the rest is worth a backup all the more. */
const readable = (entry: Promise<FileEntry | undefined>): Promise<FileEntry | undefined> =>
  entry.catch((error: unknown) => {
    if (hasErrno(error, 'EIO', 'EUCLEAN')) return undefined
    throw error
  })
