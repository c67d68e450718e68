import { confirmed } from '../../confirm.ts'
import { usage } from '../../failure.ts'
import { parsed } from '../../json.ts'
import { readInput } from '../../read-input.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'

const BUCKET = { name: 'bucket', help: 'name', kind: 'bucket' } as const

export const policyGet: CommandSpec = {
  name: 'policy get',
  summary: 'Shows the policy of a bucket.',
  arguments: [BUCKET],
  examples: ['coffer bucket policy get invoices'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`show the policy of ${name}`)
    const s3 = await (await call.server()).s3()
    const { Policy: policy = '' } = await s3.getBucketPolicy({ Bucket: name })
    const document = parsed(policy)
    call.out.answer({ bucket: name, policy: document }, () => JSON.stringify(document, undefined, 2), [name])
    return 'done'
  },
}

export const policySet: CommandSpec = {
  name: 'policy set',
  summary: 'Sets the policy of a bucket, in the language of AWS.',
  arguments: [BUCKET, { name: 'file', help: 'JSON; - for standard input', kind: 'file' }],
  examples: ['coffer bucket policy set invoices policy.json'],
  see: ['coffer bucket who-can-read'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`set the policy of ${name}`)
    const text = await readInput(call, call.argument('file'))
    if (parsed(text) === undefined) throw usage(`${call.argument('file')} is not JSON`)
    const s3 = await (await call.server()).s3()
    await s3.putBucketPolicy({ Bucket: name, Policy: text })
    call.out.answer({ bucket: name, policy: parsed(text) }, () => `✓ ${name} has this policy`, [name])
    return 'done'
  },
}

export const policyRemove: CommandSpec = {
  name: 'policy rm',
  summary: 'Removes the policy of a bucket.',
  arguments: [BUCKET],
  destructive: true,
  examples: ['coffer bucket policy rm invoices --yes'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`remove the policy of ${name}`)
    const s3 = await (await call.server()).s3()
    const { Policy: policy = '' } = await s3.getBucketPolicy({ Bucket: name })
    const lines = [`What this policy allows or denies counts no more: ${policy}`]
    if (!(await confirmed(call, { name, lines, document: { bucket: name, policy: parsed(policy) } }))) return 'done'
    await s3.deleteBucketPolicy({ Bucket: name })
    call.out.answer({ bucket: name, removed: 'policy' }, () => `✓ ${name} has no policy`, [name])
    return 'done'
  },
}
