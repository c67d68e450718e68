import path from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { mainAccount, writeBootstrapFile } from '../../support/bootstrap.ts'
import { runCommand } from '../../support/coffer-command.ts'
import { contentBytes } from '../../support/content.ts'
import { emptyBucket, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { awsCli, awsFor } from '../aws-cli.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { rclone, rcloneFor } from '../rclone.ts'
import { hashesUnder, sameTrees } from '../tree.ts'

/** A backup repository that is copied into buckets, as docs/backup.md says, and restored from there. */
export const backupCopies: Client = {
  ...rclone,
  name: 'rclone, aws: copies of backups',
  install: async () => {
    await rclone.install()
    await awsCli.install()
  },
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const command = rcloneFor(target)
  const rcloned = async (...args: string[]): Promise<void> => void (await command(...args))
  const aws = awsFor(target)
  const [bucket, other] = [bucketNameFor('backup-copies'), bucketNameFor('backup-copies-aws')]
  const at = (...names: string[]): string => path.join(target.workDir, ...names)
  const repository = at('repository')
  const keyFile = at('store.key')
  const coffer = async (args: readonly string[], dataDir = 'store'): Promise<string> => {
    const settings = { COFFER_DATA_DIR: at(dataDir), COFFER_INSTANCE_KEY_FILE: keyFile }
    const { status, out, err } = await runCommand(args, settings)
    if (status !== 0) throw new Error(`coffer ${args.join(' ')} ended with ${status}: ${out}${err}`)
    return out
  }
  /** Bytes first, then the manifests that need them; what was pruned goes the other way round. */
  const up = async (): Promise<void> => {
    await rcloned('copy', '--checksum', path.join(repository, 'objects'), `coffer:${bucket}/objects`)
    await rcloned('sync', '--checksum', '--exclude', 'unfinished/**', repository, `coffer:${bucket}`)
  }
  const isRestored = async (from: string, name: string, keys: readonly string[]): Promise<void> => {
    await coffer(['backup', 'verify', at(from), '--all'])
    await coffer(['restore', at(from)], name)
    const bootstrapFile = await writeBootstrapFile(at('bootstrap.json'), [mainAccount])
    const settings = { COFFER_INSTANCE_KEY_FILE: keyFile }
    await using server = await startServerProcess({ dataDir: at(name), bootstrapFile, settings })
    const restored = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
    for (const key of keys) {
      const { Body } = await restored.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }))
      const got = Buffer.from((await Body?.transformToByteArray()) ?? [])
      same(key, got.equals(contentBytes(key, BYTES)), true)
    }
    restored.destroy()
    await server.stop()
  }

  return [
    {
      name: 'backups',
      run: async () => {
        const bootstrapFile = await writeBootstrapFile(at('bootstrap.json'), [mainAccount])
        const settings = { COFFER_INSTANCE_KEY_FILE: keyFile }
        await using server = await startServerProcess({ dataDir: at('store'), bootstrapFile, settings })
        const own = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
        await makeBucket(own, 'bucket')
        for (const Key of ['first', 'second']) {
          await own.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: contentBytes(Key, BYTES) }))
          await coffer(['backup', 'create', repository])
        }
        own.destroy()
        await server.stop()
      },
    },
    {
      name: 'up',
      run: async () => {
        await rcloned('mkdir', `coffer:${bucket}`)
        await up()
        await makeBucket(client, other)
        await aws('s3', 'sync', '--no-progress', path.join(repository, 'objects'), `s3://${other}/copy/objects`)
        await aws('s3', 'sync', '--no-progress', '--exclude', 'unfinished/*', repository, `s3://${other}/copy`)
      },
    },
    {
      name: 'down',
      run: async () => {
        await rcloned('copy', '--checksum', `coffer:${bucket}`, at('from-rclone'))
        await aws('s3', 'sync', '--no-progress', `s3://${other}/copy`, at('from-aws'))
        for (const from of ['from-rclone', 'from-aws']) await sameTrees(from, at(from), repository)
        await isRestored('from-rclone', 'restored', ['first', 'second'])
      },
    },
    {
      name: 'pruned',
      run: async () => {
        const before = Object.keys(await hashesUnder(repository)).length
        await coffer(['backup', 'prune', repository, '--keep', '1'])
        same('something is pruned', Object.keys(await hashesUnder(repository)).length < before, true)
        await up()
        await rcloned('copy', '--checksum', `coffer:${bucket}`, at('pruned'))
        await sameTrees('pruned', at('pruned'), repository)
        await isRestored('pruned', 'restored-again', ['first', 'second'])
      },
    },
    {
      name: 'purge',
      run: async () => {
        for (const one of [bucket, other]) {
          await emptyBucket(client, one)
          await rcloned('rmdir', `coffer:${one}`)
        }
      },
    },
  ]
}

const BYTES = 300_000
