import { rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { emptyBucket, keysOf, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { rclone, rcloneFor } from '../rclone.ts'
import { stateOf } from '../state.ts'
import { hashesUnder, SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

const MIB = 1024 * 1024

/** A directory and a bucket kept alike, in either direction and in both. */
export const rcloneSync: Client = {
  ...rclone,
  name: 'rclone sync',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const command = rcloneFor(target)
  const run = async (...args: string[]): Promise<string> => (await command(...args)).toString('utf8').trim()
  const [bucket, other] = [bucketNameFor('rclone-sync'), bucketNameFor('rclone-sync-copy')]
  const [local, back] = [path.join(target.workDir, 'local'), path.join(target.workDir, 'back')]
  const at = (where: string, key = ''): string => `coffer:${where}/${key}`
  const sameNames = async (where: string): Promise<void> =>
    same('names', (await keysOf(client, where)).sort(), Object.keys(await hashesUnder(local)).sort())
  const sameBytes = async (where: string): Promise<void> => {
    await sameNames(where)
    await run('check', '--download', local, at(where))
  }

  return [
    {
      name: 'up',
      run: async () => {
        await writeTree(local, SAMPLE_TREE)
        await run('mkdir', at(bucket))
        await run('sync', '--checksum', local, at(bucket))
        await sameBytes(bucket)
      },
    },
    {
      name: 'nothing to do',
      run: async () => {
        const before = await stateOf(client, bucket)
        await run('sync', '--checksum', local, at(bucket))
        await run('sync', local, at(bucket))
        same('objects', await stateOf(client, bucket), before)
      },
    },
    {
      name: 'changes, deletions',
      run: async () => {
        await writeTree(local, { 'many/file-1': 11, 'large/12 MiB': 12 * MIB, 'new/file': 70_000 }, 'changed')
        for (const name of ['many/file-2', 'names/ünï☃😀']) await rm(path.join(local, name))
        await run('sync', '--checksum', '--fast-list', local, at(bucket))
        await sameBytes(bucket)
      },
    },
    {
      // Without --checksum a new time alone is written by a copy of the object onto itself, in parts when it is large.
      name: 'times',
      run: async () => {
        const seconds = 1_700_000_000
        for (const name of ['one byte', 'large/12 MiB']) {
          await utimes(path.join(local, name), seconds, seconds)
          await run('sync', '--s3-copy-cutoff', '5Mi', local, at(bucket))
          const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: name }))
          same('mtime', Number(Metadata?.['mtime']), seconds)
        }
        await sameBytes(bucket)
      },
    },
    {
      name: 'metadata',
      run: async () => {
        const wanted = {
          'content-type': 'text/x-flow',
          'cache-control': 'max-age=7',
          'content-language': 'de',
          flow: 'ä',
        }
        const set = Object.entries(wanted).flatMap(([name, value]) => ['--metadata-set', `${name}=${value}`])
        await run('copyto', '--metadata', ...set, path.join(local, 'one byte'), at(bucket, 'with metadata'))
        await run('copyto', '--metadata', at(bucket, 'with metadata'), at(bucket, 'copied'))
        const { Metadata }: { Metadata: Record<string, string> } = JSON.parse(
          await run('lsjson', '--stat', '--metadata', at(bucket, 'copied')),
        )
        same('metadata', Object.fromEntries(Object.keys(wanted).map((name) => [name, Metadata[name]])), wanted)
        for (const name of ['with metadata', 'copied']) await run('deletefile', at(bucket, name))
      },
    },
    {
      name: 'down',
      run: async () => {
        await writeTree(back, { 'many/not in the bucket': 10, 'many/file-5': 10 }, 'other')
        await run('sync', '--checksum', at(bucket), back)
        await sameTrees('back', back, local)
        const mtimeOf = async (where: string): Promise<number> => (await stat(path.join(where, 'empty'))).mtimeMs
        same('time', await mtimeOf(back), await mtimeOf(local))
      },
    },
    {
      name: 'both ways',
      run: async () => {
        const bisync = (...more: string[]): Promise<string> =>
          run('bisync', '--workdir', path.join(target.workDir, 'bisync'), local, at(bucket), ...more)
        await bisync('--resync')
        await writeTree(local, { 'from/here': 100 })
        await rm(path.join(local, 'many/file-7'))
        await run('copyto', path.join(local, 'deep/64K+1'), at(bucket, 'from/there'))
        await run('deletefile', at(bucket, 'many/file-8'))
        await bisync()
        await sameBytes(bucket)
        const names = Object.keys(await hashesUnder(local))
        const looked = ['from/here', 'from/there', 'many/file-7', 'many/file-8']
        same(
          'what is there',
          looked.filter((name) => names.includes(name)),
          ['from/here', 'from/there'],
        )
      },
    },
    {
      name: 'bucket to bucket',
      run: async () => {
        await run('mkdir', at(other))
        const before = await stateOf(client, bucket)
        await run('sync', '--checksum', '--s3-copy-cutoff', '5Mi', at(bucket), at(other))
        await sameBytes(other)
        same('the source', await stateOf(client, bucket), before)
      },
    },
    {
      name: 'versions',
      run: async () => {
        await run('backend', 'versioning', at(bucket), 'Enabled')
        await writeTree(local, { 'many/file-9': 99 }, 'second version')
        await run('sync', '--checksum', local, at(bucket))
        await rm(path.join(local, 'many/file-10'))
        await run('sync', '--checksum', local, at(bucket))
        const names = async (...flags: string[]): Promise<string[]> =>
          (await run('lsf', ...flags, at(bucket, 'many/')))
            .split('\n')
            .filter((name) => /^file-(9|10)(-v|$)/.test(name))
        same('current', await names(), ['file-9'])
        same('versions', (await names('--s3-versions')).length, 3)
        await run('backend', 'cleanup-hidden', at(bucket))
        same('versions after the cleanup', (await names('--s3-versions')).length, 1)
      },
    },
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        await run('sync', '--checksum', local, at(sealed, 'flow'))
        await run('check', '--download', local, at(sealed, 'flow'))
        await run('sync', '--checksum', at(bucket), at(sealed, 'flow'))
        await run('purge', at(sealed, 'flow'))
        same('left', await keysOf(client, sealed), [])
      },
    },
    {
      name: 'purge',
      run: async () => {
        await emptyBucket(client, bucket)
        for (const one of [bucket, other]) await run('purge', at(one))
        same('buckets', (await run('lsd', 'coffer:')).includes('rclone-sync'), false)
      },
    },
  ]
}
