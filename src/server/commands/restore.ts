import { resolve } from 'node:path'
import { openSigningKey, readPublicKeys } from '../../audit/keys.ts'
import { EXIT } from '../../base/exit-status.ts'
import type { InstanceKey } from '../../envelope/instance-key.ts'
import { ensureDirectory } from '../../storage/directories.ts'
import { lockDataDirectory } from '../../storage/lock.ts'
import { backupError, type Manifest } from '../backup/manifest.ts'
import { chosenId, filesOf, signedManifest } from '../backup/read-backup.ts'
import { openRepository, type Repository } from '../backup/repository.ts'
import { planRestore, restoreBackup } from '../backup/restore-backup.ts'
import { refuseKeyInside } from '../data-directory.ts'
import { givenInstanceKey, keyFileOf } from '../given-instance-key.ts'
import type { Config } from '../settings.ts'
import { type Streams, usageError } from './command.ts'
import { helpOrUsage } from './help-or-usage.ts'
import { progressLine } from './progress.ts'
import { refused } from './refused.ts'
import { countText, sizeText } from './sizes.ts'
import { parseWithSettings } from './with-settings.ts'

const HELP = `coffer restore: puts a backup back, into an empty place.

Usage:
  coffer restore <repository> [--backup <id>] [--dry-run] [--json] [settings]
      Takes the settings of the server that is to be started on it: its data directory (--data-dir), which must be empty or
      not there, the instance key (--instance-key-file, or the passphrase), the directories of its storage classes. Nothing is ever written
      over. Run again after whatever interrupts it: it goes on where it was.
      --backup    the newest one when left out; \`coffer backup ls <repository>\` shows them
      --dry-run   opens the key, looks whether all is there and has room, and writes nothing

Examples:
  coffer restore /mnt/backup --data-dir /var/lib/coffer-new --instance-key-file /etc/coffer.key --dry-run
  coffer restore /mnt/backup --data-dir /var/lib/coffer-new --instance-key-file /etc/coffer.key

exit status 0: done; 1: not done; 2: called wrongly; 4: a file that was named is not there; 8: something is there already,
nothing is written over; 9: a setting is not valid; 10: there is no store; 11: another process uses it; 12: the wrong instance key
`

/** `coffer restore …`; resolves to the exit status. */
export async function restoreCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.length === 0 || args.includes('--help')) {
    return helpOrUsage(HELP, args.includes('--help'), args, streams)
  }
  try {
    return await restore(args, streams)
  } catch (error) {
    return refused(error, { args, streams })
  }
}

async function restore(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, options, flags, config } = parseWithSettings(args, ['backup'], ['dry-run', 'json'])
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw usageError('give one directory: that of the backups')
  const repository = await openRepository(path)
  const id = await chosenId(repository, options['backup'])
  const dataDir = resolve(config['data-dir'])
  const manifest = await manifestOf(repository, id, config, dataDir)
  const classes = new Map(config['storage-classes'].map(({ name, directory }) => [name, resolve(directory)]))
  const target = { dataDir, classes }
  const plan = await planRestore(repository, manifest, target)
  const what = `backup ${id}, the state of ${manifest.takenAt}: ${countText(plan.files, 'file')}, ${sizeText(plan.bytes)}`
  const isJson = flags.has('json')
  const document = { backup: id, takenAt: manifest.takenAt, dataDir, files: plan.files, bytes: plan.bytes }
  if (flags.has('dry-run')) {
    if (isJson) out.write(`${JSON.stringify({ ...document, restored: false })}\n`)
    else out.write(`✓ ${what}, can be restored to ${dataDir}. Nothing was written\n`)
    return EXIT.done
  }
  await ensureDirectory(dataDir)
  if (config['instance-passphrase'] === undefined) await refuseKeyInside(keyFileOf(config, dataDir), dataDir)
  const lock = lockDataDirectory(dataDir)
  try {
    const tell = progressLine({ err })
    const onProgress = ({ files, bytes }: { readonly files: number; readonly bytes: number }): void =>
      tell(() => `${files} of ${countText(plan.files, 'file')}, ${sizeText(bytes)} of ${sizeText(plan.bytes)}`)
    await restoreBackup({ repository, manifest, target, onProgress })
  } finally {
    lock.release()
  }
  if (isJson) out.write(`${JSON.stringify({ ...document, restored: true })}\n`)
  else out.write(`✓ restored ${what}\n${AFTERWARDS(manifest, dataDir)}`)
  return EXIT.done
}

const AFTERWARDS = (
  { takenAt }: Manifest,
  dataDir: string,
): string => `  Start the server on ${dataDir}. It is as it was at ${takenAt}:
  ▲ keys that were deleted since are back; credentials, policies and authorizations that were taken since count again.
    Where the audit log of the lost time still exists, it tells what to do once more:
    coffer audit export <old data directory>/audit --from ${takenAt}
  ▲ never let the old data directory serve again beside this one.
`

/** Its signature and the instance key looked at: without the key nothing of it could be opened. */
async function manifestOf(repository: Repository, id: string, config: Config, dataDir: string): Promise<Manifest> {
  const { manifest: claimed } = await repository.manifest(id)
  using instanceKey = await instanceKeyOf(repository, claimed, config, dataDir)
  const seed = instanceKey.derive('audit')
  const { publicKeyPem } = openSigningKey(seed)
  seed.fill(0)
  return signedManifest(repository, id, readPublicKeys(publicKeyPem))
}

async function instanceKeyOf(
  repository: Repository,
  manifest: Manifest,
  config: Config,
  dataDir: string,
): Promise<InstanceKey> {
  const group = manifest.groups.find(({ path }) => path === '.')
  const [entry] = group ? await filesOf(repository, group) : []
  const [sha256] = entry?.[2][0] ?? []
  if (sha256 === undefined) throw backupError('BackupInvalid', `the backup ${manifest.id} has no seal file`)
  // As it lies in the repository: the key is known by it before anything is written.
  return givenInstanceKey(config, dataDir, repository.pathOf(sha256))
}
