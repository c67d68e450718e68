import { rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../storage/directories.ts'
import { SEQUENCE_KEY, sequenceOf } from '../../storage/metadata/level-format.ts'
import { fillLevelStore } from '../../storage/metadata/level-store.ts'
import type { StoredPair } from '../../storage/metadata/stored-rows.ts'
import { replaceFile } from '../../storage/replace-file.ts'
import type { StoreName } from '../stores.ts'
import { backupError } from './manifest.ts'

/**
 * Makes a store of a data directory out of its rows, and its witness: under another name, which it gets when it is whole and
 * durable. Precondition: there is none, or an empty directory.
 */
export async function placeStore(
  dataDir: string,
  name: StoreName,
  rows: AsyncIterable<readonly StoredPair[]> | Iterable<readonly StoredPair[]>,
): Promise<void> {
  const directory = join(dataDir, name)
  const draft = `${directory}.restoring`
  let last: Buffer | undefined
  const pages = async function* () {
    for await (const pairs of rows) {
      last = pairs.find(([key]) => key.equals(SEQUENCE_KEY))?.[1] ?? last
      yield pairs
    }
  }
  await rm(draft, { recursive: true, force: true })
  await fillLevelStore(draft, pages())
  if (last === undefined) throw backupError('BackupInvalid', `the rows of ${name}/ have no sequence number`)
  // As storage-format.md, section 2, has it: the mark stands beside the number in the store's own row.
  const witness = { v: 1, sequence: sequenceOf(last), mark: last.toString('hex', 6) }
  await replaceFile(`${directory}.witness`, `${JSON.stringify(witness)}\n`)
  await rmdir(directory).catch(() => {})
  await rename(draft, directory)
  await syncDirectory(dataDir)
}
