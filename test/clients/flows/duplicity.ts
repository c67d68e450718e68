import { rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyBucket, keysOf, s3ClientFor } from '../../support/s3.ts'
import { same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { runText } from '../command.ts'
import { installDebian, installPython, pythonTool } from '../install.ts'
import { SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

const MIB = 1024 * 1024

/** Encrypted, incremental tar volumes, in a bucket under a root key of the customer's. */
export const duplicity: Client = {
  name: 'duplicity',
  install: async () => {
    await installPython()
    await installDebian('gpg')
  },
  version: () => runText(pythonTool('duplicity'), ['--version']),
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const [local, first] = [path.join(target.workDir, 'local'), path.join(target.workDir, 'first')]
  const restored = path.join(target.workDir, 'restored')
  let bucket = ''
  const repository = (): string => `boto3+s3://${bucket}/backups/host`
  const duplicity = (...args: string[]): Promise<string> =>
    runText(
      pythonTool('duplicity'),
      [
        ...args,
        ...[`--s3-endpoint-url=${target.s3Url}`, `--s3-region-name=${target.region}`, '--volsize=5'],
        ...[`--archive-dir=${target.workDir}/archive`, `--tempdir=${target.workDir}`, '--s3-multipart-chunk-size=5'],
      ],
      {
        env: {
          HOME: target.workDir,
          PASSPHRASE: 'correct horse battery staple',
          AWS_ACCESS_KEY_ID: target.accessKeyId,
          AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
        },
      },
    )
  const count = async (part: string): Promise<number> =>
    (await keysOf(client, bucket)).filter((key) => key.includes(part)).length
  // Backups are told apart by seconds.
  const nextSecond = (): Promise<void> => sleep(1100)
  let betweenBackups = 0

  return [
    {
      name: 'full',
      run: async () => {
        bucket = await target.customerManagedBucket()
        await writeTree(local, SAMPLE_TREE)
        await writeTree(first, SAMPLE_TREE)
        await duplicity('full', local, repository())
        same('volumes', (await count('.difftar.gpg')) > 5, true)
      },
    },
    {
      name: 'incremental',
      run: async () => {
        await nextSecond()
        betweenBackups = Math.floor(Date.now() / 1000)
        await nextSecond()
        await writeTree(local, { 'new/file': 70_000, 'large/12 MiB': 12 * MIB }, 'changed')
        await rm(path.join(local, 'many/file-2'))
        await duplicity('incremental', local, repository())
        same('incremental', (await count('duplicity-inc')) > 1, true)
      },
    },
    {
      name: 'verify',
      run: async () => {
        await duplicity('verify', '--compare-data', repository(), local)
        await writeTree(local, { 'many/file-3': 31 }, 'not backed up')
        const verified = duplicity('verify', '--compare-data', repository(), local)
        same(
          'a difference',
          await verified.then(
            () => 'unseen',
            () => 'seen',
          ),
          'seen',
        )
        await writeTree(local, { 'many/file-3': 31 })
      },
    },
    {
      name: 'restore',
      run: async () => {
        await duplicity('restore', repository(), restored)
        await sameTrees('restored', restored, local)
        await rm(restored, { recursive: true })
      },
    },
    {
      name: 'restore of before',
      run: async () => {
        await duplicity('restore', `--time=${betweenBackups}`, repository(), restored)
        await sameTrees('restored', restored, first)
        await rm(restored, { recursive: true })
      },
    },
    {
      name: 'without a cache',
      run: async () => {
        await rm(path.join(target.workDir, 'archive'), { recursive: true })
        const status = await duplicity('collection-status', repository())
        same('chain', /Number of contained backup sets: 2/.test(status), true)
        same('file', (await duplicity('list-current-files', repository())).includes('names/ünï☃😀'), true)
      },
    },
    {
      name: 'remove older',
      run: async () => {
        await nextSecond()
        await duplicity('full', local, repository())
        const before = await count('')
        await duplicity('remove-all-but-n-full', '1', '--force', repository())
        await duplicity('remove-older-than', `${betweenBackups}`, '--force', repository())
        await duplicity('cleanup', '--force', repository())
        same('incremental', await count('duplicity-inc'), 0)
        same('fewer', (await count('')) < before, true)
        await duplicity('verify', '--compare-data', repository(), local)
        await emptyBucket(client, bucket)
      },
    },
  ]
}
