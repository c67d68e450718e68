import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../base/errors.ts'
import { syncDirectory } from '../../storage/directories.ts'
import { backupError, type Manifest, parseChunks, storeOf } from './manifest.ts'
import { filesOf } from './read-backup.ts'
import type { RepositoryWriter } from './repository.ts'

export interface Pruned {
  readonly removed: readonly string[]
  readonly kept: readonly string[]
  readonly objects: number
  readonly bytes: number
}

/** All but the newest `keep` of each store that has backups here; none that cannot be read: it may be the only one of its store. */
export async function doomedBackups(repository: RepositoryWriter, keep: number): Promise<ReadonlySet<string>> {
  const ids = await repository.ids()
  const owners = new Map<string, string>()
  for (const id of ids) {
    const owner = await ownerOf(repository, id)
    if (owner !== undefined) owners.set(id, owner)
  }
  const kept = new Set(
    [...Map.groupBy(owners.keys(), (id) => owners.get(id)).values()].flatMap((of) => of.slice(-keep)),
  )
  return new Set([...owners.keys()].filter((id) => !kept.has(id)))
}

async function ownerOf(repository: RepositoryWriter, id: string): Promise<string | undefined> {
  try {
    return storeOf((await repository.manifest(id)).manifest)
  } catch (error) {
    if (hasCode(error, 'BackupInvalid')) return undefined
    throw error
  }
}

/**
 * Removes backups, and then what no other one needs. Throws BackupInvalid, before anything is removed, when there is none to
 * be kept, or one of those cannot be read: what is needed is not known then.
 */
export async function pruneBackups(
  repository: RepositoryWriter,
  doomed: ReadonlySet<string>,
  dryRun: boolean,
): Promise<Pruned> {
  const ids = await repository.ids()
  const kept = ids.filter((id) => !doomed.has(id))
  if (kept.length === 0) {
    throw backupError(
      'BackupInvalid',
      `there is no finished backup to keep in ${repository.directory}: what is needed is not known. Nothing was removed`,
    )
  }
  const removed = ids.filter((id) => doomed.has(id))
  const needed = new Set<string>()
  for (const id of kept) await addNeeded(repository, await readableManifest(repository, id), needed)
  if (!dryRun) {
    const manifests = join(repository.directory, 'backups')
    for (const id of removed) await rm(join(manifests, `${id}.json`))
    // Before what they need: a manifest that is there is whole.
    await syncDirectory(manifests)
  }
  let [objects, bytes] = [0, 0]
  const root = join(repository.directory, 'objects')
  for (const shard of await readdir(root)) {
    for (const name of await readdir(join(root, shard))) {
      if (needed.has(`${shard}${name}`)) continue
      objects++
      bytes += (await stat(join(root, shard, name))).size
      if (!dryRun) await rm(join(root, shard, name))
    }
  }
  return { removed, kept, objects, bytes }
}

/** What the bytes of a repository are needed for is known only when each manifest can be read, by this release. */
async function readableManifest(repository: RepositoryWriter, id: string): Promise<Manifest> {
  try {
    return (await repository.manifest(id)).manifest
  } catch (error) {
    if (!hasCode(error, 'BackupInvalid')) throw error
    const file = join(repository.directory, 'backups', `${id}.json`)
    throw backupError(
      'BackupInvalid',
      `${error.message}. Whose backup it is, and what it needs, is not known: nothing was removed. Only if it may be lost, remove ${file} by hand`,
    )
  }
}

async function addNeeded(repository: RepositoryWriter, manifest: Manifest, needed: Set<string>): Promise<void> {
  for (const { chunks, name } of manifest.stores) {
    needed.add(chunks)
    for (const [sha256] of parseChunks(await repository.read(chunks), name)) needed.add(sha256)
  }
  for (const group of manifest.groups) {
    needed.add(group.index)
    for (const [, , pieces] of await filesOf(repository, group)) for (const [sha256] of pieces) needed.add(sha256)
  }
}
