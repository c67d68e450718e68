import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openSigningKey, type PublicKeys, readPublicKeys } from '../../audit/keys.ts'
import { hasCode } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { hostSession } from '../backup/host-session.ts'
import { storeOf } from '../backup/manifest.ts'
import { doomedBackups, pruneBackups } from '../backup/prune-backups.ts'
import { chosenId } from '../backup/read-backup.ts'
import { openRepository, openRepositoryWriter } from '../backup/repository.ts'
import { stoppedSession } from '../backup/stopped-session.ts'
import { takeBackup } from '../backup/take-backup.ts'
import { type VerifiedBackup, verifyBackup } from '../backup/verify-backup.ts'
import { givenInstanceKey, sealFileOf } from '../given-instance-key.ts'
import type { Config } from '../settings.ts'
import { parseCommand, type Streams, usageError } from './command.ts'
import { helpOrUsage } from './help-or-usage.ts'
import { progressLine } from './progress.ts'
import { refused } from './refused.ts'
import { countText, sizeText } from './sizes.ts'
import { parseWithSettings } from './with-settings.ts'

const HELP = `coffer backup: consistent, incremental copies of a store, of ciphertext and wrapped keys alone.

Usage:
  coffer backup create <repository> [--json] [settings]
      Copies what is new since the last backup into the repository: a directory, made when it is not there. The server goes
      on meanwhile; it is found by its data directory (--data-dir), whose owner this has to be run by. Run again after
      whatever interrupts it: what was copied stays.
  coffer backup verify <repository> [--backup <id> | --all] [--quick] [--public-key <file>] [--json] [settings]
      Reads all that the newest backup needs, and looks whether it fits together. --quick: whether it is there, and how long.
      The signature takes the public key of the audit log (coffer audit public-key), or the settings that give the instance key.
  coffer backup ls <repository> [--json]
      Lists the backups that are there, the oldest first.
  coffer backup prune <repository> --keep <number> [--dry-run] [--json]
      Removes all but the newest ones of each store, and what only they need.

Examples:
  coffer backup create /mnt/backup --data-dir /var/lib/coffer
  coffer backup ls /mnt/backup

  coffer restore --help says how to put one back. The instance key is in no backup: coffer keys --help.

exit status 0: done; 3: done, but of a backup something is missing in the data directory, or its signature was not looked at;
1: not done, or found bad; 2: called wrongly; 4: a file that was named is not there; 8: the directory holds something else;
9: a setting is not valid; 10: there is no store; 11: another process uses it; 12: the wrong instance key
`

/** `coffer backup …`; resolves to the exit status. */
export async function backupCommand(args: readonly string[], streams: Streams): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '' || name === '--json' || args.includes('--help')) {
    return helpOrUsage(HELP, args.includes('--help'), args, streams)
  }
  try {
    if (name === 'create') return await take(rest, streams)
    if (name === 'verify') return await verify(rest, streams)
    if (name === 'ls') return await list(rest, streams)
    if (name === 'prune') return await prune(rest, streams)
    throw usageError(`there is no coffer backup ${name}: it is create, verify, ls or prune`)
  } catch (error) {
    return refused(error, { args, streams })
  }
}

async function take(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, flags, config } = parseWithSettings(args, [], ['json'])
  using repository = await openRepositoryWriter(onlyPath(positionals))
  const dataDir = resolve(config['data-dir'])
  // Which is the newest one is told by its id.
  const newest = (await repository.ids()).at(-1)
  await using session = (await hostSession(dataDir, 'all', newest)) ?? (await stoppedSession(config, newest))
  const startedMs = performance.now()
  const tell = progressLine({ err })
  const { manifest, addedBytes, copiedBytes, warnings } = await takeBackup({
    ...{ session, repository },
    onProgress: ({ rows, files, ofFiles, copiedBytes: bytes }) =>
      tell(() => `${countText(rows, 'row')}, ${files} of ${ofFiles ?? '?'} files, ${sizeText(bytes)} copied`),
  })
  const seconds = (performance.now() - startedMs) / 1000
  for (const warning of warnings) err.write(`▲ ${warning}\n`)
  const { id, takenAt, missing } = manifest
  const files = manifest.groups.reduce((sum, group) => sum + group.files, 0)
  const rows = manifest.stores.reduce((sum, store) => sum + store.rows, 0)
  if (flags.has('json')) {
    out.write(`${JSON.stringify({ id, takenAt, rows, files, addedBytes, copiedBytes, seconds, missing })}\n`)
  } else {
    out.write(
      `✓ backup ${id}: the state of ${takenAt}\n` +
        `  ${countText(rows, 'row')}, ${countText(files, 'file')}; ${sizeText(addedBytes)} new in the repository, in ${seconds.toFixed(1)} s\n`,
    )
  }
  if (missing.length === 0) return EXIT.done
  err.write(
    `▲ ${countText(missing.length, 'file')} that rows name are not in the data directory, or cannot be read, and so not in the backup:\n` +
      `${missing
        .slice(0, 20)
        .map((path) => `    ${path}\n`)
        .join('')}` +
      '  `coffer verify` on the data directory says which objects these are\n',
  )
  return EXIT.partly
}

function onlyPath(positionals: readonly string[]): string {
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw usageError('give one directory: that of the backups')
  return path
}

async function verify(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, options, flags, config } = parseWithSettings(
    args,
    ['backup', 'public-key'],
    ['all', 'quick', 'json'],
  )
  const repository = await openRepository(onlyPath(positionals))
  const ids = flags.has('all') ? await repository.ids() : [await chosenId(repository, options['backup'])]
  const keys = await publicKeys(options['public-key'], config)
  const known = new Set<string>()
  const tell = progressLine({ err })
  const reports: VerifiedBackup[] = []
  for (const id of ids) {
    const onProgress = (bytes: number): void => tell(() => `${id}: ${sizeText(bytes)} looked at`)
    reports.push(await verifyBackup(repository, id, { keys, known, quick: flags.has('quick'), onProgress }))
  }
  if (flags.has('json')) out.write(`${JSON.stringify(reports)}\n`)
  else for (const report of reports) tellVerified(report, flags.has('quick'), { out, err })
  if (reports.some(({ findings }) => findings.length > 0)) return EXIT.failed
  return reports.every(({ signed, missing }) => signed && missing.length === 0) ? EXIT.done : EXIT.partly
}

function tellVerified(report: VerifiedBackup, quick: boolean, { out, err }: Streams): void {
  const { id, takenAt, findings, rows, files, bytes, signed, missing } = report
  if (findings.length > 0) {
    err.write(`✕ backup ${id} is damaged: ${countText(findings.length, 'finding')}\n`)
    for (const { problem, affects } of findings) err.write(`  ${problem}\n      affects ${affects}\n`)
    err.write(
      '  What the store still has is copied again: remove the files named here and run `coffer backup create`. Until then an older backup may be whole: --all\n',
    )
    return
  }
  out.write(`✓ backup ${id} is ${quick ? 'there' : 'whole'}: the state of ${takenAt}\n`)
  out.write(`  ${countText(rows, 'row')}, ${countText(files, 'file')}, ${sizeText(bytes)}\n`)
  out.write(
    signed ? '  signed by this store\n' : '▲ its signature was not looked at: give --public-key, or the instance key\n',
  )
  if (missing.length > 0)
    out.write(`▲ ${countText(missing.length, 'file')} were missing in the data directory when it was taken\n`)
}

/** Undefined when neither a file nor an instance key is there. */
async function publicKeys(file: string | undefined, config: Config): Promise<PublicKeys | undefined> {
  if (file !== undefined) return readPublicKeys(await readFile(file, 'utf8'))
  const dataDir = resolve(config['data-dir'])
  const sealed = await readFile(sealFileOf(dataDir)).catch(() => undefined)
  if (!sealed) return undefined
  using instanceKey = await givenInstanceKey(config, dataDir)
  const seed = instanceKey.derive('audit')
  const { publicKeyPem } = openSigningKey(seed)
  seed.fill(0)
  return readPublicKeys(publicKeyPem)
}

async function list(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, flags } = parseCommand(args, [], ['json'])
  const repository = await openRepository(onlyPath(positionals))
  const shown: { id: string; takenAt: string; version: string; store: string; bytes: number; missing: number }[] = []
  for (const id of await repository.ids()) {
    try {
      const { manifest } = await repository.manifest(id)
      const { takenAt, version, stores, groups, missing } = manifest
      const bytes = [...stores, ...groups].reduce((sum, part) => sum + part.bytes, 0)
      shown.push({ id, takenAt, version, store: storeOf(manifest), bytes, missing: missing.length })
    } catch (error) {
      if (!hasCode(error)) throw error
      err.write(`✕ ${error.message}\n`)
    }
  }
  if (flags.has('json')) out.write(`${JSON.stringify(shown)}\n`)
  else
    for (const { id, store, bytes, missing } of shown)
      out.write(`${id}  ${store}  ${sizeText(bytes)}${missing > 0 ? `  (${missing} missing)` : ''}\n`)
  return EXIT.done
}

async function prune(args: readonly string[], { out }: Streams): Promise<number> {
  const { positionals, options, flags } = parseCommand(args, ['keep'], ['dry-run', 'json'])
  const keep = Number(options['keep'])
  if (!/^\d+$/.test(options['keep'] ?? '') || keep < 1)
    throw usageError('--keep takes how many backups stay: at least 1')
  await openRepository(onlyPath(positionals))
  using repository = await openRepositoryWriter(onlyPath(positionals))
  const doomed = await doomedBackups(repository, keep)
  const pruned = await pruneBackups(repository, doomed, flags.has('dry-run'))
  if (flags.has('json')) out.write(`${JSON.stringify(pruned)}\n`)
  else {
    const done = flags.has('dry-run') ? 'would be removed' : 'removed'
    out.write(
      `✓ ${countText(pruned.removed.length, 'backup')} ${done}, ${pruned.kept.length} kept; ${sizeText(pruned.bytes)} in ${countText(pruned.objects, 'object')} ${done}\n`,
    )
  }
  return EXIT.done
}
