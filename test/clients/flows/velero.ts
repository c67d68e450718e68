import { copyFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { emptyBucket, keysOf, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { run, runText } from '../command.ts'
import { buildGo, goTool } from '../install.ts'

const PLUGIN = 'velero-plugin-for-aws'
const STORE = 'velero-store'

/** Velero's backup store over its AWS plugin. The rest of Velero needs a Kubernetes cluster, and no bucket. */
export const velero: Client = {
  name: 'Velero',
  install: () => buildGo('velero', { [STORE]: '.', [PLUGIN]: `github.com/vmware-tanzu/${PLUGIN}/${PLUGIN}` }),
  version: async () => {
    const modules = await runText('go', ['version', '-m', goTool(STORE), goTool(PLUGIN)])
    return [...modules.matchAll(/vmware-tanzu\/(\S+)\s+(v[\d.]+)/g)]
      .map(([, name, version]) => `${name} ${version}`)
      .join(', ')
  },
  connect: async (target) => {
    const plugins = path.join(target.workDir, 'plugins')
    await mkdir(plugins)
    await copyFile(goTool(PLUGIN), path.join(plugins, PLUGIN))
    return { steps: stepsFor(target, plugins) }
  },
}

function stepsFor(target: Target, plugins: string): readonly Step[] {
  const client = s3ClientFor(target)
  const bucket = bucketNameFor('velero')
  const env = {
    HOME: target.workDir,
    PLUGIN_DIR: plugins,
    S3_URL: target.s3Url,
    S3_REGION: target.region,
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
  }
  const step = async (name: string, where = bucket, more: Readonly<Record<string, string>> = {}): Promise<void> => {
    await run(goTool(STORE), [name, where], { env: { ...env, ...more } })
  }
  return [
    {
      name: 'backup',
      run: async () => {
        await makeBucket(client, bucket)
        await step('backup')
        const Key = 'cluster-one/backups/nightly-2/nightly-2.tar.gz'
        const { ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))
        same('in parts', /-\d+"$/.test(ETag ?? ''), true)
      },
    },
    ...['read', 'urls', 'restore', 'objects'].map((name) => ({ name, run: () => step(name) })),
    {
      name: 'delete',
      run: async () => {
        await step('delete')
        same('keys', await keysOf(client, bucket), [])
      },
    },
    {
      name: 'no checksums',
      run: async () => {
        for (const name of ['backup', 'read', 'delete']) await step(name, bucket, { CHECKSUM_ALGORITHM: '' })
      },
    },
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        for (const name of ['backup', 'read', 'urls', 'restore', 'delete']) await step(name, sealed)
        await emptyBucket(client, sealed)
      },
    },
  ]
}
