import type { PublicKeys } from '../../audit/keys.ts'
import { SEQUENCE_KEY, sequenceOf } from '../../storage/metadata/level-format.ts'
import { decodePairs, pairBytes, type StoredPair } from '../../storage/metadata/stored-rows.ts'
import { CHUNK_MARK } from './copy-rows.ts'
import {
  backupError,
  type FileEntry,
  type GroupEntry,
  type Manifest,
  parseChunks,
  parseIndex,
  type StoreEntry,
  wrongSignature,
} from './manifest.ts'
import type { Repository } from './repository.ts'

/** The newest one when no id is given. Throws BackupInvalid. */
export async function chosenId(repository: Repository, given: string | undefined): Promise<string> {
  const ids = await repository.ids()
  if (given !== undefined && ids.includes(given)) return given
  const newest = ids.at(-1)
  if (newest === undefined) throw backupError('BackupInvalid', `there is no finished backup in ${repository.directory}`)
  if (given === undefined) return newest
  throw backupError('BackupInvalid', `there is no backup ${given} in ${repository.directory}: the newest is ${newest}`)
}

/** Throws BackupInvalid for a manifest that was changed since it was signed. */
export async function signedManifest(repository: Repository, id: string, keys: PublicKeys): Promise<Manifest> {
  const read = await repository.manifest(id)
  const wrong = wrongSignature(read, keys)
  if (wrong === undefined) return read.manifest
  throw backupError('BackupInvalid', `the manifest of ${id} ${wrong}`)
}

/**
 * All rows of a store, in order. Throws BackupInvalid as soon as they are not what the manifest says, at the latest at their
 * end.
 */
export async function* rowsOf(
  repository: Pick<Repository, 'read'>,
  store: StoreEntry,
): AsyncGenerator<readonly StoredPair[]> {
  const wrong = (what: string): Error => backupError('BackupInvalid', `the rows of ${store.name}/ ${what}`)
  let last: Buffer | undefined
  let [rows, bytes] = [0, 0]
  let sequence: number | undefined
  for (const [sha256, chunkBytes, chunkRows] of parseChunks(
    await repository.read(store.chunks),
    `the list of ${store.name}/`,
  )) {
    const chunk = await repository.read(sha256)
    if (chunk.length !== chunkBytes || !chunk.subarray(0, CHUNK_MARK.length).equals(CHUNK_MARK)) {
      throw wrong('are in a format that this Coffer does not know: use a later one')
    }
    const { pairs, rest } = decodePairs(chunk.subarray(CHUNK_MARK.length))
    if (rest.length > 0 || pairs.length !== chunkRows) throw wrong('do not decode')
    for (const pair of pairs) {
      const [key, value] = pair
      if (last && last.compare(key) >= 0) throw wrong('are not in order')
      last = key
      bytes += pairBytes(pair)
      if (key.equals(SEQUENCE_KEY)) sequence = sequenceOf(value)
    }
    rows += pairs.length
    yield pairs
  }
  if (rows !== store.rows || bytes !== store.bytes || sequence !== store.sequence)
    throw wrong('are not as many as they were')
}

export const filesOf = async (repository: Repository, { path, index }: GroupEntry): Promise<FileEntry[]> =>
  parseIndex(await repository.read(index), `the index of ${path}`)
