import { rm } from 'node:fs/promises'
import path from 'node:path'
import { emptyBucket, keysOf, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { resticFor, resticRepositoryIn, restic as tool } from '../restic.ts'
import { bytesIn } from '../state.ts'
import { SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

const MIB = 1024 * 1024

/** The life of a repository in a bucket under a root key of the customer's. */
export const resticRepository: Client = {
  ...tool,
  name: 'restic repository',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const other = bucketNameFor('restic-copy')
  const local = path.join(target.workDir, 'local')
  let bucket = ''
  const run = (...args: string[]): Promise<string> => resticFor(target, bucket)(...args)
  const backup = (): Promise<string> => run('backup', local)
  const snapshots = async (): Promise<number> => JSON.parse(await run('snapshots', '--json')).length
  const restored = async (what: string): Promise<void> => {
    const directory = path.join(target.workDir, 'restored')
    await run('restore', 'latest', '--verify', '--target', directory)
    await sameTrees(what, path.join(directory, local), local)
    await rm(directory, { recursive: true })
  }

  return [
    {
      name: 'init, backup',
      run: async () => {
        bucket = await target.customerManagedBucket()
        await writeTree(local, SAMPLE_TREE)
        await run('init')
        await backup()
        await restored('first backup')
      },
    },
    {
      name: 'next backups',
      run: async () => {
        await writeTree(local, { 'large/12 MiB': 12 * MIB, 'new/file': 70_000 }, 'changed')
        await rm(path.join(local, 'many/file-2'))
        await backup()
        await writeTree(local, { 'large/12 MiB': 12 * MIB }, 'changed again')
        await backup()
        same('snapshots', await snapshots(), 3)
        await restored('third backup')
      },
    },
    { name: 'check', run: async () => void (await run('check', '--read-data')) },
    {
      name: 'forget, prune',
      run: async () => {
        const before = await bytesIn(client, bucket)
        await run('forget', '--keep-last', '1', '--prune')
        same('snapshots', await snapshots(), 1)
        const freed = before - (await bytesIn(client, bucket))
        if (freed < 20 * MIB) throw new Error(`prune freed ${freed} bytes`)
        await run('check', '--read-data')
        await restored('what is kept')
      },
    },
    {
      name: 'rebuild index',
      run: async () => {
        const keys = await keysOf(client, bucket)
        same(
          'indexes',
          keys.some((key) => key.includes('/index/')),
          true,
        )
        await run('rebuild-index', '--read-all-packs')
        await run('check')
      },
    },
    {
      name: 'two at once',
      run: async () => {
        const before = await snapshots()
        await Promise.all([backup(), backup()])
        same('snapshots', await snapshots(), before + 2)
        await run('check')
        same('locks', await run('list', 'locks'), '')
      },
    },
    {
      name: 'copy',
      run: async () => {
        await makeBucket(client, other)
        const copy = resticFor(target, other)
        await copy('init', '--from-repo', resticRepositoryIn(target, bucket), '--copy-chunker-params')
        await copy('copy', '--from-repo', resticRepositoryIn(target, bucket))
        await copy('check', '--read-data')
      },
    },
    {
      name: 'remove',
      run: async () => {
        await emptyBucket(client, bucket)
        await emptyBucket(client, other)
      },
    },
  ]
}
