import { copyFile, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EXIT } from '../../base/exit-status.ts'
import { createExclusive } from '../../envelope/exclusive-file.ts'
import { type KeyBundle, openKeyBundle, sealKeyBundle } from '../../envelope/key-bundle.ts'
import { createKeyFile, readKeyFile } from '../../envelope/key-file.ts'
import { passphraseProblem } from '../../envelope/passphrase-seal.ts'
import { readSealFile, sealText } from '../../envelope/seal-file.ts'
import { ensureDirectory, syncDirectory } from '../../storage/directories.ts'
import { lockDataDirectory } from '../../storage/lock.ts'
import { decodePairs } from '../../storage/metadata/stored-rows.ts'
import { replaceFile } from '../../storage/replace-file.ts'
import { type TriedKeys, tryBundledKeys } from '../backup/bundled-keys.ts'
import { hostSession } from '../backup/host-session.ts'
import { backupError } from '../backup/manifest.ts'
import { placeStore } from '../backup/place-store.ts'
import { stoppedSession } from '../backup/stopped-session.ts'
import { refuseKeyInside } from '../data-directory.ts'
import { givenInstanceKey, keyFileOf, sealFileOf } from '../given-instance-key.ts'
import { noteKeysRestored } from '../restored.ts'
import { readSecret } from '../secret-file.ts'
import type { Config } from '../settings.ts'
import { isFilled } from '../stores.ts'
import { type Streams, usageError } from './command.ts'
import { helpOrUsage } from './help-or-usage.ts'
import { refused } from './refused.ts'
import { countText } from './sizes.ts'
import { parseWithSettings } from './with-settings.ts'

const HELP = `coffer keys: a key bundle holds the instance key, and the root keys of the embedded Key Protect, under a passphrase of its own.

Usage:
  coffer keys backup --out <file> --passphrase-file <file> [--json] [settings]
      Takes the settings of the server, which may run, and its instance key. <file> is made, never written over.
  coffer keys restore <bundle> --passphrase-file <file> [--dry-run] [--replace-passphrase] [--json] [settings]
      Opens the bundle and every key in it. Then writes the key file where there is none (--instance-key-file, or the data
      directory with .key appended), and makes kms/ where the data directory has lost it. Nothing is written over.
      --dry-run             writes nothing: whether the passphrase is the right one, and what is in it
      --replace-passphrase  for a store whose passphrase is lost: from then on it has a key file

Examples:
  coffer keys backup --out keys.bundle --passphrase-file bundle.pass --data-dir /var/lib/coffer
  coffer keys restore keys.bundle --passphrase-file bundle.pass --dry-run --data-dir /var/lib/coffer

  A bundle and its passphrase open everything: keep them apart, and neither beside the data. docs/backup.md says what is to
  be kept where.

exit status 0: done; 1: not done; 2: called wrongly; 4: a file that was named is not there; 8: something is there already,
nothing is written over; 9: a setting is not valid; 10: there is no store; 11: another process uses it; 12: the wrong instance key
`

/** `coffer keys …`; resolves to the exit status. */
export async function keysCommand(args: readonly string[], streams: Streams): Promise<number> {
  const [name = '', ...rest] = args
  if (args.includes('--help') || !(name === 'backup' || name === 'restore')) {
    return helpOrUsage(HELP, args.includes('--help'), args, streams)
  }
  try {
    return await (name === 'backup' ? backup(rest, streams) : restore(rest, streams))
  } catch (error) {
    return refused(error, { args, streams })
  }
}

async function backup(args: readonly string[], { out }: Streams): Promise<number> {
  const { positionals, options, flags, config } = parseWithSettings(args, ['out', 'passphrase-file'], ['json'])
  const file = options['out']
  if (file === undefined || positionals.length > 0) throw usageError('--out names the file to be made')
  const passphrase = passphraseOf(options['passphrase-file'])
  // One that opens the store itself would have to be kept beside it.
  const problem = passphraseProblem(passphrase)
  if (problem !== undefined) throw usageError(problem)
  if (passphrase === config['instance-passphrase']?.reveal()) {
    throw usageError('the passphrase of a bundle is another one than that of the store')
  }
  const dataDir = resolve(config['data-dir'])
  await using session = (await hostSession(dataDir, 'keys')) ?? (await stoppedSession(config))
  using instanceKey = await givenInstanceKey(config, dataDir)
  const chunks: Uint8Array[] = []
  if (session.info.stores.includes('kms')) for await (const chunk of session.rows('kms')) chunks.push(chunk)
  const key = instanceKey.reveal()
  const content: KeyBundle = {
    createdAt: session.info.takenAt,
    instanceKeyId: instanceKey.id,
    instanceKey: key,
    rows: Buffer.concat(chunks),
  }
  try {
    const tried = await tryBundledKeys(content)
    refuseDamaged(tried)
    await createExclusive(resolve(file), await sealKeyBundle(content, passphrase))
    if (flags.has('json')) {
      const { instanceKeyId, createdAt } = content
      out.write(`${JSON.stringify({ file, createdAt, instanceKeyId, ...counted(tried) })}\n`)
      return EXIT.done
    }
    out.write(`✓ ${file}: the instance key, and ${keysText(tried)}, as of ${content.createdAt}\n`)
    out.write(
      '  Try it now and then: coffer keys restore --dry-run. Make another one when root keys were made or rotated\n',
    )
  } finally {
    key.fill(0)
  }
  return EXIT.done
}

function passphraseOf(file: string | undefined): string {
  if (file === undefined) throw usageError('--passphrase-file names a file that only you can read, with the passphrase')
  return readSecret('--passphrase-file', file)
}

const counted = ({ keys, versions, destroyed }: TriedKeys): object => ({ keys, versions, destroyed })

const keysText = ({ keys, versions, destroyed }: TriedKeys): string =>
  `${countText(keys, 'key')} of the embedded Key Protect in ${countText(versions, 'version')}${destroyed > 0 ? ` (${destroyed} were destroyed before)` : ''}`

function refuseDamaged({ damaged }: TriedKeys): void {
  if (damaged.length === 0) return
  throw backupError('BackupInvalid', `of the keys some do not open: ${damaged.join('; ')}`)
}

async function restore(args: readonly string[], { out }: Streams): Promise<number> {
  const { positionals, options, flags, config } = parseWithSettings(
    args,
    ['passphrase-file'],
    ['dry-run', 'replace-passphrase', 'json'],
  )
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw usageError('give one bundle')
  const bundle = await openKeyBundle(await readFile(path, 'utf8'), passphraseOf(options['passphrase-file']))
  try {
    const tried = await tryBundledKeys(bundle)
    const isJson = flags.has('json')
    const say = (text: string): void => void (isJson ? undefined : out.write(text))
    say(
      `✓ ${path} opens: the instance key ${bundle.instanceKeyId}, and ${keysText(tried)}, as of ${bundle.createdAt}\n`,
    )
    refuseDamaged(tried)
    const steps = await plan(bundle, config, flags.has('replace-passphrase'))
    for (const { told } of steps) say(`  ${flags.has('dry-run') ? 'would do: ' : ''}${told}\n`)
    if (flags.has('dry-run')) say('  Nothing was written\n')
    else for (const { run } of steps) await run()
    if (steps.length === 0) say('  Nothing is missing: the instance key and kms/ are there\n')
    if (isJson) {
      const { instanceKeyId, createdAt } = bundle
      const isDone = !flags.has('dry-run')
      const document = {
        createdAt,
        instanceKeyId,
        ...counted(tried),
        done: isDone,
        steps: steps.map(({ told }) => told),
      }
      out.write(`${JSON.stringify(document)}\n`)
    }
    return EXIT.done
  } finally {
    bundle.instanceKey.fill(0)
  }
}

interface Step {
  readonly told: string
  readonly run: () => Promise<void>
}

/** What is missing and would be made. Throws BackupConflict when something is there that is not what it has to be. */
async function plan(bundle: KeyBundle, config: Config, replacePassphrase: boolean): Promise<Step[]> {
  const dataDir = resolve(config['data-dir'])
  const seal = await readSealFile(sealFileOf(dataDir))
  if (seal && seal.keyId !== bundle.instanceKeyId) {
    throw backupError(
      'BackupConflict',
      `${dataDir} has another instance key (${seal.keyId}): the bundle is of another store`,
    )
  }
  if (seal?.method === 'passphrase' && !replacePassphrase) {
    // Its instance key lies in the seal file. The passphrase is tried where one is given.
    if (config['instance-passphrase'] !== undefined) (await givenInstanceKey(config, dataDir))[Symbol.dispose]()
    return storeStep(bundle, dataDir, true)
  }
  return [...(await keySteps(bundle, config, dataDir)), ...(await storeStep(bundle, dataDir, seal !== undefined))]
}

async function keySteps(bundle: KeyBundle, config: Config, dataDir: string): Promise<Step[]> {
  const keyFile = keyFileOf(config, dataDir)
  const found = await readKeyFile(keyFile)
  const isRight = found?.equals(bundle.instanceKey)
  found?.fill(0)
  if (isRight === false) {
    throw backupError(
      'BackupConflict',
      `${keyFile} holds another key than the bundle: it is not written over. Move it away first`,
    )
  }
  const steps: Step[] = []
  if (isRight === undefined) {
    steps.push({
      told: `write the instance key to ${keyFile}`,
      run: async () => {
        await ensureDirectory(dirname(resolve(keyFile)))
        if (await readSealFile(sealFileOf(dataDir))) await refuseKeyInside(keyFile, dataDir)
        await createKeyFile(keyFile, bundle.instanceKey)
      },
    })
  }
  const seal = await readSealFile(sealFileOf(dataDir))
  if (seal?.method === 'passphrase') {
    steps.push({
      told: `have ${dataDir} take the key file from now on; its former seal file is kept as instance-key.json.old`,
      run: () =>
        locked(dataDir, async () => {
          const sealFile = sealFileOf(dataDir)
          await copyFile(sealFile, `${sealFile}.old`)
          // At no moment is there none: a directory without one is refused.
          await replaceFile(sealFile, sealText({ v: 1, method: 'file', keyId: bundle.instanceKeyId }))
        }),
    })
  }
  return steps
}

async function storeStep(bundle: KeyBundle, dataDir: string, isStore: boolean): Promise<Step[]> {
  const lost = isStore && bundle.rows.length > 0 && !(await isFilled(join(dataDir, 'kms')))
  if (!lost) return []
  return [
    {
      told: `make ${join(dataDir, 'kms')} as it was at ${bundle.createdAt}: keys and versions made since are gone, deleted ones are back`,
      run: () =>
        locked(dataDir, async () => {
          await placeStore(dataDir, 'kms', [decodePairs(bundle.rows).pairs])
          await noteKeysRestored(dataDir, bundle.createdAt)
          await syncDirectory(dataDir)
        }),
    },
  ]
}

async function locked(dataDir: string, work: () => Promise<void>): Promise<void> {
  const lock = lockDataDirectory(dataDir)
  try {
    await work()
  } finally {
    lock.release()
  }
}
