import { rm } from 'node:fs/promises'
import path from 'node:path'
import { emptyBucket, keysOf, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { runText } from '../command.ts'
import { goTool, installGo } from '../install.ts'
import { stateOf } from '../state.ts'
import { hashesUnder, SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

const tool = goTool('mc')

/** MinIO's command: mirrored directories, versions, locks and settings. */
export const mc: Client = {
  name: 'mc',
  install: () => installGo('mc', 'github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9'),
  version: async () => /mc\s+(v\S+)/.exec(await runText('go', ['version', '-m', tool]))?.[1] ?? 'not known',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const url = new URL(target.s3Url)
  const env = {
    HOME: target.workDir,
    MC_CONFIG_DIR: path.join(target.workDir, 'mc'),
    MC_HOST_coffer: `${url.protocol}//${target.accessKeyId}:${target.secretAccessKey}@${url.host}`,
    MC_REGION: target.region,
  }
  const run = (...args: string[]): Promise<string> => runText(tool, ['--no-color', ...args], { env })
  const json = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    (await run('--json', ...args)).split('\n').map((line) => JSON.parse(line))
  const [bucket, locked] = [bucketNameFor('mc'), bucketNameFor('mc-lock')]
  const [local, back] = [path.join(target.workDir, 'local'), path.join(target.workDir, 'back')]
  const at = (key = '', where = bucket): string => `coffer/${where}/${key}`
  const failed = (work: Promise<unknown>): Promise<void> =>
    work.then(
      () => Promise.reject(new Error('not refused')),
      () => undefined,
    )

  return [
    {
      name: 'mirror up',
      run: async () => {
        await writeTree(local, SAMPLE_TREE)
        await run('mb', at())
        await run('mirror', local, at())
        same('names', (await keysOf(client, bucket)).sort(), Object.keys(await hashesUnder(local)).sort())
        same('diff', await run('diff', local, at()), '')
      },
    },
    {
      name: 'nothing to do',
      run: async () => {
        const before = await stateOf(client, bucket)
        await run('mirror', '--overwrite', '--remove', local, at())
        same('objects', await stateOf(client, bucket), before)
      },
    },
    {
      name: 'changes, down',
      run: async () => {
        await writeTree(local, { 'many/file-1': 12, 'new/file': 70_000 }, 'changed')
        await rm(path.join(local, 'many/file-2'))
        await run('mirror', '--overwrite', '--remove', local, at())
        await run('mirror', '--overwrite', '--remove', at(), back)
        await sameTrees('back', back, local)
      },
    },
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        await run('mirror', at(), at('', sealed))
        await run('cp', '--recursive', at('large/', sealed), path.join(target.workDir, 'large/'))
        await sameTrees('large', path.join(target.workDir, 'large'), path.join(local, 'large'))
        await run('rm', '--recursive', '--force', at('', sealed))
        same('left', await keysOf(client, sealed), [])
      },
    },
    {
      name: 'attributes, find',
      run: async () => {
        await run('cp', '--attr', 'Cache-Control=max-age=7;flow=1', path.join(local, 'one byte'), at('attributes'))
        const [stat] = await json('stat', at('attributes'))
        const metadata = JSON.stringify(stat?.['metadata'])
        same('metadata', [/max-age=7/.test(metadata), /"X-Amz-Meta-Flow":"1"/i.test(metadata)], [true, true])
        same('head', (await run('head', '--lines', '1', at('attributes'))).length <= 1, true)
        const [size] = await json('du', at())
        same('objects', size?.['objects'], (await keysOf(client, bucket)).length)
        const found = await json('find', at(), '--name', 'file-3*')
        same('found', found.length, 11)
      },
    },
    {
      name: 'share',
      run: async () => {
        const [shared] = await json('share', 'download', '--expire', '5m', at('one byte'))
        const reply = await fetch(String(shared?.['share']))
        same('status', [reply.status, (await reply.bytes()).length], [200, 1])
      },
    },
    {
      name: 'tags, rules',
      run: async () => {
        await run('tag', 'set', at('one byte'), 'flow=tags&tier=one')
        const [tags] = await json('tag', 'list', at('one byte'))
        same('tags', tags?.['tagset'], { flow: 'tags', tier: 'one' })
        await run('ilm', 'rule', 'add', '--expire-days', '30', '--prefix', 'old/', at())
        same('rule', JSON.stringify(await json('ilm', 'rule', 'list', at())).includes('"Days":30'), true)
        await run('ilm', 'rule', 'remove', '--all', '--force', at())
        await run('encrypt', 'set', 'sse-s3', at())
        same('encryption', JSON.stringify(await json('encrypt', 'info', at())).includes('AES256'), true)
        await run('encrypt', 'clear', at())
      },
    },
    {
      name: 'versions',
      run: async () => {
        await run('version', 'enable', at())
        for (const seed of ['one', 'two']) {
          await writeTree(local, { versioned: 100 }, seed)
          await run('cp', path.join(local, 'versioned'), at('versioned'))
        }
        await run('rm', at('versioned'))
        same('versions', (await json('ls', '--versions', at('versioned'))).length, 3)
        await run('undo', '--force', at('versioned'))
        same('size', (await json('stat', at('versioned')))[0]?.['size'], 100)
        await run('rm', '--versions', '--force', at('versioned'))
        await failed(run('stat', at('versioned')))
      },
    },
    {
      name: 'lock',
      run: async () => {
        await run('mb', '--with-lock', at('', locked))
        await run('cp', path.join(local, 'one byte'), at('kept', locked))
        await run('retention', 'set', 'governance', '1d', at('kept', locked))
        same('mode', (await json('retention', 'info', at('kept', locked)))[0]?.['mode'], 'GOVERNANCE')
        await failed(run('rm', '--versions', '--force', at('kept', locked)))
        await run('legalhold', 'set', at('kept', locked))
        await failed(run('rm', '--versions', '--force', '--bypass', at('kept', locked)))
        await run('legalhold', 'clear', at('kept', locked))
        await run('rm', '--versions', '--force', '--bypass', at('kept', locked))
      },
    },
    {
      name: 'remove',
      run: async () => {
        await emptyBucket(client, bucket)
        for (const one of [bucket, locked]) await run('rb', at('', one))
        same('buckets', (await run('ls', 'coffer')).includes(bucket), false)
      },
    },
  ]
}
