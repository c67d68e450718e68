import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { createRootKey } from '../../support/control-api.ts'
import { emptyBucket, keysOf, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { runText, startCommand } from '../command.ts'
import { buildGo, goTool } from '../install.ts'

const tool = goTool('tofu')
const STATE = 'env/network.tfstate'
const LOCK = `${STATE}.tflock`

/** The S3 backend of OpenTofu (and Terraform): state in a bucket, locked by conditional writes, no provider needed. */
export const opentofuState: Client = {
  name: 'OpenTofu S3 backend',
  install: () => buildGo('opentofu', { tofu: 'github.com/opentofu/opentofu/cmd/tofu' }),
  version: async () => (await runText(tool, ['version'])).match(/^OpenTofu .*$/m)?.[0] ?? 'not known',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const directory = path.join(target.workDir, 'configuration')
  const env = {
    HOME: target.workDir,
    TF_CLI_CONFIG_FILE: path.join(target.workDir, 'tofurc'),
    TF_IN_AUTOMATION: '1',
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
  }
  const args = (...more: string[]): readonly string[] => [`-chdir=${directory}`, ...more]
  const tofu = (...more: string[]): Promise<string> => runText(tool, args(...more), { env })
  const apply = (waitSeconds = 0): readonly string[] =>
    args('apply', '-auto-approve', '-input=false', '-no-color', `-var=wait_seconds=${waitSeconds}`)
  const write = (file: string, text: string): Promise<void> => writeFile(path.join(directory, file), text)
  const bucket = bucketNameFor('opentofu-state')
  const lockThere = async (): Promise<boolean> => (await keysOf(client, bucket)).includes(LOCK)
  const untilLocked = async (): Promise<void> => {
    for (let tries = 0; !(await lockThere()); tries++) {
      if (tries > 300) throw new Error('the state was never locked')
      await sleep(50)
    }
  }
  const refusedAsLocked = (): Promise<void> =>
    tofu('plan', '-input=false', '-no-color', '-lock-timeout=0s').then(
      () => Promise.reject(new Error('a locked state was used')),
      (error: unknown) =>
        same('refused', /Error acquiring the state lock[\s\S]*PreconditionFailed/.test(`${error}`), true),
    )

  return [
    {
      name: 'init, migrate',
      run: async () => {
        await makeBucket(client, bucket)
        await client.send(
          new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
        )
        await mkdir(directory, { recursive: true })
        await writeFile(env.TF_CLI_CONFIG_FILE, '')
        await write('main.tf', RESOURCES)
        await tofu('init', '-input=false')
        await runText(tool, apply(), { env })
        await write('backend.tf', backend(target, bucket))
        await tofu('init', '-input=false', '-force-copy')
        same('keys', await keysOf(client, bucket), [STATE])
      },
    },
    {
      name: 'plan, apply',
      run: async () => {
        await tofu('plan', '-input=false', '-detailed-exitcode')
        await runText(tool, [...apply(), '-var=size=5'], { env })
        same('output', await tofu('output', '-json', 'names'), JSON.stringify(['0', '1', '2', '3', '4']))
        const { ServerSideEncryption } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: STATE }))
        same('encryption', ServerSideEncryption, 'AES256')
        same('locked', await lockThere(), false)
      },
    },
    {
      name: 'lock',
      run: async () => {
        const first = startCommand(tool, apply(6), { env, group: true })
        await untilLocked()
        await refusedAsLocked()
        await first.ended
        same('locked', await lockThere(), false)
        await tofu('plan', '-input=false')
      },
    },
    {
      name: 'force-unlock',
      run: async () => {
        const first = startCommand(tool, apply(60), { env, group: true })
        await untilLocked()
        first.kill()
        await first.ended.catch(() => {})
        await refusedAsLocked()
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: LOCK }))
        const { ID }: { ID: string } = JSON.parse((await Body?.transformToString()) ?? '')
        await tofu('force-unlock', '-force', ID)
        same('locked', await lockThere(), false)
        await runText(tool, apply(), { env })
      },
    },
    {
      name: 'workspaces',
      run: async () => {
        await tofu('workspace', 'new', 'staging')
        await runText(tool, apply(), { env })
        same('keys', (await keysOf(client, bucket)).sort(), [STATE, `env:/staging/${STATE}`].sort())
        same('workspaces', /default\s+\* staging/.test(await tofu('workspace', 'list')), true)
        await tofu('destroy', '-auto-approve', '-input=false')
        await tofu('workspace', 'select', 'default')
        await tofu('workspace', 'delete', 'staging')
        same('keys', await keysOf(client, bucket), [STATE])
      },
    },
    {
      name: 'pull, push',
      run: async () => {
        const state = path.join(target.workDir, 'pulled.tfstate')
        await writeFile(state, await tofu('state', 'pull'))
        await tofu('state', 'rm', 'terraform_data.counted[0]')
        await tofu('state', 'push', '-force', state)
        await tofu('plan', '-input=false', '-detailed-exitcode')
      },
    },
    {
      name: 'root key',
      run: async () => {
        const { id } = await createRootKey(target.controlUrl, 'OpenTofu')
        await tofu('init', '-input=false', '-reconfigure', `-backend-config=kms_key_id=${id}`)
        await runText(tool, [...apply(), '-var=size=4'], { env })
        const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: STATE }))
        same('encryption', [head.ServerSideEncryption, head.SSEKMSKeyId], ['aws:kms', id])
      },
    },
    {
      name: 'destroy',
      run: async () => {
        await tofu('destroy', '-auto-approve', '-input=false')
        same('resources', await tofu('state', 'list'), '')
        const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: STATE }))
        same('history', Versions.length > 5, true)
        await emptyBucket(client, bucket)
      },
    },
  ]
}

/** Resources of the provider that is built in; one takes as long as it is told. */
const RESOURCES = `
variable "size" { default = 3 }
variable "wait_seconds" { default = 0 }
resource "terraform_data" "counted" {
  count = var.size
  input = tostring(count.index)
}
resource "terraform_data" "slow" {
  triggers_replace = var.wait_seconds > 0 ? timestamp() : "never"
  provisioner "local-exec" { command = "sleep \${var.wait_seconds}" }
}
output "names" { value = terraform_data.counted[*].output }
`

const backend = ({ s3Url, region }: Target, bucket: string): string => `
terraform {
  backend "s3" {
    bucket         = "${bucket}"
    key            = "${STATE}"
    region         = "${region}"
    endpoints      = { s3 = "${s3Url}" }
    use_path_style = true
    use_lockfile   = true
    encrypt        = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
  }
}
`
