import type { PublicKeys } from '../../audit/keys.ts'
import { hasCode } from '../../base/errors.ts'
import { blobIdOf, neededFiles } from './blob-files.ts'
import { type FileEntry, type GroupEntry, parseChunks, wrongSignature } from './manifest.ts'
import { filesOf, rowsOf } from './read-backup.ts'
import type { Repository, StoredObject } from './repository.ts'

export interface Finding {
  /** In words, with the path in the repository of what is wrong. */
  readonly problem: string
  /** What of the data directory cannot be restored as it was. */
  readonly affects: string
}

export interface VerifiedBackup {
  readonly id: string
  readonly takenAt: string
  readonly signed: boolean
  readonly stores: number
  readonly rows: number
  readonly files: number
  /** Of all that it needs. */
  readonly bytes: number
  /** What the data directory had not when it was taken. */
  readonly missing: readonly string[]
  readonly findings: readonly Finding[]
}

export interface VerifyOptions {
  /** Undefined: the signature is not looked at. */
  readonly keys: PublicKeys | undefined
  /** Only whether all is there, at its length. */
  readonly quick: boolean
  /** Objects that were found good before: several backups share them. */
  readonly known: Set<string>
  readonly onProgress?: (bytes: number) => void
}

/**
 * Reads all that a backup needs and looks whether it fits together: signature, digests, order of rows, and a file for each
 * blob that a row names. Throws BackupInvalid when the manifest itself cannot be read.
 */
export async function verifyBackup(
  repository: Repository,
  id: string,
  options: VerifyOptions,
): Promise<VerifiedBackup> {
  const { keys, quick, known, onProgress = () => {} } = options
  const read = await repository.manifest(id)
  const { manifest } = read
  const findings: Finding[] = []
  const wrong = keys && wrongSignature(read, keys)
  if (wrong !== undefined) findings.push({ problem: `the manifest of ${id} ${wrong}`, affects: 'everything' })
  let [bytes, files, rows] = [0, 0, 0]

  const attempt = async (affects: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!hasCode(error)) throw error
      findings.push({ problem: error.message, affects })
    }
  }
  const look = async (object: StoredObject): Promise<void> => {
    bytes += object.bytes
    onProgress(bytes)
    if (known.has(object.sha256)) return
    if (quick && (await repository.has(object))) return void known.add(object.sha256)
    for await (const _ of repository.stream(object));
    known.add(object.sha256)
  }

  const needed = neededFiles()
  for (const store of manifest.stores) {
    await attempt(`${store.name}/`, async () => {
      if (quick) {
        for (const [sha256, length] of parseChunks(await repository.read(store.chunks), store.name)) {
          await look({ sha256, bytes: length })
        }
        return
      }
      for await (const pairs of rowsOf(repository, store)) {
        for (const [key] of pairs) {
          const blob = blobIdOf(key)
          if (blob !== undefined) needed.add(blob)
        }
      }
      bytes += store.bytes
    })
    rows += store.rows
  }

  const found = new Map<string, ReadonlyMap<string, FileEntry>>()
  for (const group of manifest.groups) {
    await attempt(`all files of ${group.path}`, async () => {
      const entries = await filesOf(repository, group)
      found.set(group.path, new Map(entries.map((entry) => [entry[0], entry])))
      files += entries.length
      checkTotals(group, entries, findings)
      for (const [name, , pieces] of entries) {
        for (const [sha256, length] of pieces) {
          await attempt(`${group.path}/${name}`, () => look({ sha256, bytes: length }))
        }
      }
    })
  }
  const missing = new Set(manifest.missing)
  for (const [path, names] of needed.groups) {
    for (const [name, endBytes] of names) {
      const length = found.get(path)?.get(name)?.[1]
      if ((length === undefined || length < (endBytes ?? 0)) && !missing.has(`${path}/${name}`)) {
        findings.push({ problem: 'rows name bytes that are in no file of the backup', affects: `${path}/${name}` })
      }
    }
  }
  const { takenAt } = manifest
  const signed = keys !== undefined && wrong === undefined
  return {
    id,
    takenAt,
    signed,
    stores: manifest.stores.length,
    rows,
    files,
    bytes,
    missing: manifest.missing,
    findings,
  }
}

function checkTotals({ path, files, bytes }: GroupEntry, entries: readonly FileEntry[], findings: Finding[]): void {
  const total = entries.reduce((sum, [, length]) => sum + length, 0)
  const pieces = entries.every(([, length, parts]) => length === parts.reduce((sum, [, each]) => sum + each, 0))
  if (entries.length === files && total === bytes && pieces) return
  findings.push({ problem: `the index of ${path} does not add up to what the manifest says`, affects: path })
}
