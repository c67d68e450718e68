import { rm } from 'node:fs/promises'
import path from 'node:path'
import { DeleteBucketPolicyCommand, GetBucketEncryptionCommand, HeadBucketCommand, NotFound } from '@aws-sdk/client-s3'
import { createRootKey } from '../../support/control-api.ts'
import { keysOf, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { firstLine, runText } from '../command.ts'
import { installPython, pythonTool } from '../install.ts'
import { writeTree } from '../tree.ts'

/** Buckets as they are declared: what is there is read in full, and only what differs is changed. */
export const ansible: Client = {
  name: 'Ansible amazon.aws',
  install: installPython,
  version: () => firstLine(pythonTool('ansible'), ['--version']),
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const bucket = bucketNameFor('ansible')
  const directory = path.join(target.workDir, 'local')
  const playbook = path.join(import.meta.dirname, '../ansible/buckets.yml')
  /** How many tasks changed something. */
  const play = async (tags: string, more: object = {}): Promise<number> => {
    const vars = { bucket, directory, ansible_python_interpreter: pythonTool('python'), ...more }
    const said = await runText(
      pythonTool('ansible-playbook'),
      ['--inventory', 'localhost,', '--tags', tags, '--extra-vars', JSON.stringify(vars), playbook],
      {
        env: {
          HOME: target.workDir,
          ANSIBLE_HOME: path.join(target.workDir, 'ansible'),
          S3_URL: target.s3Url,
          S3_REGION: target.region,
          S3_ACCESS_KEY: target.accessKeyId,
          S3_SECRET_KEY: target.secretAccessKey,
        },
      },
    )
    return Number(/changed=(\d+)/.exec(said)?.[1])
  }
  const changed = { days: 31, origin: 'https://two.example', tags: { team: 'flows', more: 'yes' } }

  return [
    { name: 'declare', run: async () => same('changed', await play('bucket'), 5) },
    { name: 'nothing differs', run: async () => same('changed', await play('bucket'), 0) },
    {
      name: 'change',
      run: async () => {
        same('changed', await play('bucket', changed), 3)
        same('changed', await play('bucket', changed), 0)
      },
    },
    {
      name: 'root key',
      run: async () => {
        const { id } = await createRootKey(target.controlUrl, 'Ansible')
        const more = { ...changed, encryption: 'aws:kms', encryption_key_id: id }
        same('changed', await play('bucket', more), 1)
        same('changed', await play('bucket', more), 0)
        const { ServerSideEncryptionConfiguration: stored } = await client.send(
          new GetBucketEncryptionCommand({ Bucket: bucket }),
        )
        same('key', stored?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID, id)
      },
    },
    {
      name: 'objects',
      run: async () => {
        const tree = { one: 1000, 'deep/two': 70_000, 'large/three': 12 * 1024 * 1024 }
        await writeTree(directory, tree)
        same('changed', await play('objects'), 2)
        same('changed', await play('objects'), 0)
        await rm(path.join(directory, 'one'))
        await writeTree(directory, { 'deep/two': 70_000 }, 'changed')
        same('changed', await play('objects'), 1)
        same('keys', await keysOf(client, bucket), ['names/a b+ü', 'tree/deep/two', 'tree/large/three'])
      },
    },
    {
      name: 'remove',
      run: async () => {
        await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
        same('changed', await play('gone'), 1)
        for (const name of [bucket, `${bucket}-locked`]) {
          const there = client.send(new HeadBucketCommand({ Bucket: name }))
          same(
            'there',
            await there.then(
              () => true,
              (error: unknown) => !(error instanceof NotFound),
            ),
            false,
          )
        }
      },
    },
  ]
}
