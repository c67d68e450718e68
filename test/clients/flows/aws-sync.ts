import { rm, utimes } from 'node:fs/promises'
import path from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { emptyBucket, keysOf, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { awsCli, awsFor } from '../aws-cli.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { stateOf } from '../state.ts'
import { hashesUnder, SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

/** `aws s3 sync` as it is: with the checksums that it sends and verifies by default, in parts from 8 MiB on. */
export const awsSync: Client = {
  ...awsCli,
  name: 'aws s3 sync',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const aws = awsFor(target)
  const s3 = (...args: string[]): Promise<string> => aws('s3', ...args)
  const bucket = bucketNameFor('aws-sync')
  const [local, back] = [path.join(target.workDir, 'local'), path.join(target.workDir, 'back')]
  const sync = (from: string, to: string, ...flags: string[]): Promise<string> =>
    s3('sync', '--no-progress', ...flags, from, to)
  const sameNames = async (where: string, prefix: string): Promise<void> => {
    const keys = (await keysOf(client, where)).filter((key) => key.startsWith(prefix))
    same('names', keys.map((key) => key.slice(prefix.length)).sort(), Object.keys(await hashesUnder(local)).sort())
  }

  return [
    {
      name: 'up',
      run: async () => {
        await writeTree(local, SAMPLE_TREE)
        await makeBucket(client, bucket)
        await sync(local, `s3://${bucket}/tree`)
        await sameNames(bucket, 'tree/')
      },
    },
    {
      name: 'checksums',
      run: async () => {
        for (const [name, wanted] of [
          ['one byte', 'FULL_OBJECT'],
          ['large/20 MiB and 1', 'COMPOSITE'],
        ]) {
          const command = new HeadObjectCommand({ Bucket: bucket, Key: `tree/${name}`, ChecksumMode: 'ENABLED' })
          const { ChecksumCRC32: crc32, ChecksumType: type } = await client.send(command)
          same(`checksum of ${name}`, [typeof crc32, type], ['string', wanted])
        }
      },
    },
    {
      name: 'nothing to do',
      run: async () => {
        const before = await stateOf(client, bucket)
        same('said', await sync(local, `s3://${bucket}/tree`), '')
        same('objects', await stateOf(client, bucket), before)
      },
    },
    {
      name: 'changes, deletions',
      run: async () => {
        await writeTree(local, { 'many/file-1': 12, 'new/file': 70_000, 'large/12 MiB': 12 * 1024 * 1024 }, 'changed')
        const later = Date.now() / 1000 + 5
        await utimes(path.join(local, 'large/12 MiB'), later, later)
        await rm(path.join(local, 'many/file-2'))
        const said = await sync(local, `s3://${bucket}/tree`, '--delete')
        same('acts', said.split('\n').length, 4)
        await sameNames(bucket, 'tree/')
      },
    },
    {
      name: 'filters',
      run: async () => {
        const flags = ['--exclude', '*', '--include', 'names/*', '--include', '*/64K+1']
        await sync(local, `s3://${bucket}/part`, ...flags)
        const wanted = Object.keys(await hashesUnder(local)).filter((name) => /^names\/|\/64K\+1$/.test(name))
        const keys = (await keysOf(client, bucket)).filter((key) => key.startsWith('part/'))
        same(
          'names',
          keys,
          wanted.map((name) => `part/${name}`),
        )
        await s3('rm', '--recursive', `s3://${bucket}/part`)
      },
    },
    {
      name: 'down',
      run: async () => {
        await writeTree(back, { 'many/not in the bucket': 10, 'many/file-5': 10 }, 'other')
        await sync(`s3://${bucket}/tree`, back, '--delete')
        await sameTrees('back', back, local)
      },
    },
    {
      name: 'bucket to bucket',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        await sync(`s3://${bucket}/tree`, `s3://${sealed}/copy`)
        await sameNames(sealed, 'copy/')
        await rm(back, { recursive: true })
        await sync(`s3://${sealed}/copy`, back)
        await sameTrees('back', back, local)
        await emptyBucket(client, sealed)
      },
    },
    {
      name: 'move',
      run: async () => {
        await s3('mv', '--no-progress', '--recursive', `s3://${bucket}/tree`, `s3://${bucket}/moved`)
        await sameNames(bucket, 'moved/')
        same(
          'left',
          (await keysOf(client, bucket)).filter((key) => key.startsWith('tree/')),
          [],
        )
      },
    },
    {
      name: 'listing',
      run: async () => {
        const said = await s3('ls', '--recursive', '--summarize', `s3://${bucket}/moved/`)
        const names = Object.keys(await hashesUnder(local))
        same('number', /Total Objects: (\d+)/.exec(said)?.[1], `${names.length}`)
        await s3('rb', '--force', `s3://${bucket}`)
      },
    },
  ]
}
