import { emptyBucket, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { boto3 } from '../boto3.ts'
import { bucketNameFor } from '../check.ts'
import type { Client, Step, Target } from '../client.ts'
import { pythonScript } from '../python-verbs.ts'

const ALGORITHMS = ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME']

/** Both transfer managers of boto3, with many threads and every checksum. */
export const boto3Transfers: Client = {
  ...boto3,
  name: 'boto3 transfers',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const client = s3ClientFor(target)
  const bucket = bucketNameFor('boto3-transfers')
  const step = async (name: string, ...args: readonly unknown[]): Promise<void> => {
    await pythonScript('boto3_transfers.py', target, [name, ...args])
  }
  return [
    {
      name: 'threads',
      run: async () => {
        await makeBucket(client, bucket)
        await step('threads', bucket, target.workDir)
      },
    },
    ...ALGORITHMS.map((algorithm) => ({ name: algorithm, run: () => step('checksums', bucket, algorithm) })),
    { name: 'wrong checksum', run: () => step('wrong_checksum', bucket) },
    { name: 'metadata, copy', run: () => step('metadata', bucket) },
    { name: 'many at once', run: () => step('many', bucket) },
    { name: 'broken off', run: () => step('broken_off', bucket) },
    { name: 'native', run: () => step('native', bucket, target.workDir) },
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        await step('threads', sealed, target.workDir)
        await step('checksums', sealed, 'CRC64NVME')
        await emptyBucket(client, sealed)
        await emptyBucket(client, bucket)
      },
    },
  ]
}
