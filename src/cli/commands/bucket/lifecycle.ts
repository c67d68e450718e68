import type { LifecycleRule } from '@aws-sdk/client-s3'
import { confirmed } from '../../confirm.ts'
import { usage } from '../../failure.ts'
import { listOf, parsed, textOf } from '../../json.ts'
import { readInput } from '../../read-input.ts'
import { readBucket } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'

const BUCKET = { name: 'bucket', help: 'name', kind: 'bucket' } as const

export const lifecycleGet: CommandSpec = {
  name: 'lifecycle get',
  summary: 'Shows the lifecycle rules of a bucket.',
  arguments: [BUCKET],
  examples: ['coffer bucket lifecycle get logs'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`show the lifecycle rules of ${name}`)
    const s3 = await (await call.server()).s3()
    const { Rules: rules = [] } = await s3.getBucketLifecycleConfiguration({ Bucket: name })
    call.out.answer(
      { bucket: name, rules },
      () => JSON.stringify(rules, undefined, 2),
      rules.flatMap(({ ID: id }) => id ?? []),
    )
    return 'done'
  },
}

export const lifecycleSet: CommandSpec = {
  name: 'lifecycle set',
  summary: 'Sets the lifecycle rules of a bucket, in place of those that it has.',
  about: 'Either of a file, or one rule made of the options.',
  arguments: [
    BUCKET,
    {
      name: 'file',
      help: 'JSON as `lifecycle get --json` shows it: {"rules": […]}; - for standard input',
      optional: true,
      kind: 'file',
    },
  ],
  options: {
    'expire-days': { value: 'days', help: 'current versions expire after so many days' },
    'expire-versions-days': { value: 'days', help: 'older versions are removed so many days after they were replaced' },
    'abort-uploads-days': { value: 'days', help: 'uploads that were not completed are aborted after so many days' },
    prefix: { value: 'prefix', help: 'of the keys that the rule is for' },
  },
  examples: [
    'coffer bucket lifecycle set logs --expire-days 30 --prefix tmp/',
    'coffer bucket lifecycle set logs lifecycle.json',
  ],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`set the lifecycle rules of ${name}`)
    const file = call.maybe('file')
    const rules = file === undefined ? [ruleOf(call)] : rulesOf(await readInput(call, file), file)
    const s3 = await (await call.server()).s3()
    await s3.putBucketLifecycleConfiguration({ Bucket: name, LifecycleConfiguration: { Rules: rules } })
    call.out.answer(
      { bucket: name, rules },
      () => `✓ ${name} has ${rules.length} lifecycle rule${rules.length === 1 ? '' : 's'}`,
      [name],
    )
    return 'done'
  },
}

function ruleOf(call: Parameters<CommandSpec['run']>[0]): LifecycleRule {
  const [expire, versions, uploads] = [
    call.count('expire-days'),
    call.count('expire-versions-days'),
    call.count('abort-uploads-days'),
  ]
  if (expire === undefined && versions === undefined && uploads === undefined)
    throw usage('give a file, or what the rule does: --expire-days N')
  return {
    ID: 'coffer',
    Status: 'Enabled',
    Filter: { Prefix: call.text('prefix') ?? '' },
    ...(expire === undefined ? {} : { Expiration: { Days: expire } }),
    ...(versions === undefined ? {} : { NoncurrentVersionExpiration: { NoncurrentDays: versions } }),
    ...(uploads === undefined ? {} : { AbortIncompleteMultipartUpload: { DaysAfterInitiation: uploads } }),
  }
}

/** As S3 spells its members: the server checks them, and says what is wrong. */
function rulesOf(text: string, file: string): LifecycleRule[] {
  const document = parsed(text)
  const given = [listOf(document, 'rules'), listOf(document, 'Rules')].find((list) => list.length > 0) ?? []
  if (given.length === 0) throw usage(`${file} has no rules: {"rules": […]}`)
  return given.map((one, index) => {
    const status = textOf(one, 'Status')
    if (status !== 'Enabled' && status !== 'Disabled')
      throw usage(`rule ${index + 1} has no Status, Enabled or Disabled`)
    return { ...Object(one), Status: status }
  })
}

export const lifecycleRemove: CommandSpec = {
  name: 'lifecycle rm',
  summary: 'Removes the lifecycle rules of a bucket.',
  arguments: [BUCKET],
  destructive: true,
  examples: ['coffer bucket lifecycle rm logs --yes'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`remove the lifecycle rules of ${name}`)
    const s3 = await (await call.server()).s3()
    const { Rules: rules = [] } = await s3.getBucketLifecycleConfiguration({ Bucket: name })
    const lines = [
      `Nothing in ${name} expires by itself any more: ${rules.length} rule${rules.length === 1 ? ' goes' : 's go'}.`,
    ]
    if (!(await confirmed(call, { name, lines, document: { bucket: name, rules } }))) return 'done'
    await s3.deleteBucketLifecycle({ Bucket: name })
    call.out.answer({ bucket: name, removed: 'lifecycle' }, () => `✓ ${name} has no lifecycle rules`, [name])
    return 'done'
  },
}
