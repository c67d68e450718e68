import {
  CreateBucketCommand,
  DeleteBucketReplicationCommand,
  GetBucketReplicationCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  type ReplicationConfiguration,
  type ReplicationRule,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { makeBucket } from '../support/s3.ts'

const settings = {
  COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:1,theirs=http://127.0.0.1:1?account=${otherAccount.id}`,
  COFFER_S3_REPLICATION_CREDENTIALS: 'dr=key:secret,theirs=key:secret',
}

let test: ObjectHouse
beforeEach(async () => {
  test = await startObjectHouse({ settings, accounts: [mainAccount, otherAccount] })
  await version(test.bucket)
  for (const name of ['there', 'elsewhere']) {
    await makeBucket(test.s3, name)
    await version(name)
  }
})
afterEach(() => test[Symbol.asyncDispose]())

const version = (Bucket: string, Status: 'Enabled' | 'Suspended' = 'Enabled') =>
  test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
const Role = 'arn:aws:iam::123456789012:role/replication'
const to = (bucket: string) => ({ Bucket: `arn:aws:s3:::${bucket}` })
const first = (more: Partial<ReplicationRule> = {}): ReplicationRule => ({
  ...{ ID: 'first', Status: 'Enabled', Prefix: 'a/', Destination: to('there') },
  ...more,
})
const second = (more: Partial<ReplicationRule> = {}): ReplicationRule => ({
  ...{ ID: 'second', Status: 'Enabled', Priority: 1, Filter: { Prefix: 'a/' }, Destination: to('there') },
  DeleteMarkerReplication: { Status: 'Disabled' },
  ...more,
})
const put = (...Rules: ReplicationRule[]) => putWhole({ Role, Rules })
const putWhole = (ReplicationConfiguration: ReplicationConfiguration, s3 = test.s3) =>
  s3.send(new PutBucketReplicationCommand({ Bucket: test.bucket, ReplicationConfiguration }))
const get = async () =>
  (await test.s3.send(new GetBucketReplicationCommand({ Bucket: test.bucket }))).ReplicationConfiguration
const message = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'taken'
  } catch (error) {
    return `${error instanceof Error ? `${error.name}: ${error.message}` : error}`
  }
}
const GUIDE = 'Please refer to S3 Developer Guide for more information.'

describe('The replication configuration of a bucket', () => {
  it('is missing, is what was put, and goes', async () => {
    await expect(get()).rejects.toMatchObject({
      ...{ name: 'ReplicationConfigurationNotFoundError', $metadata: { httpStatusCode: 404 } },
      message: 'The replication configuration was not found',
    })
    const configurations: ReplicationConfiguration[] = [
      { Role, Rules: [first(), first({ ID: 'off', Status: 'Disabled', Prefix: 'b/', Destination: to('elsewhere') })] },
      {
        Role,
        Rules: [
          second(),
          second({ ID: 'all', Priority: 0, Filter: {}, DeleteMarkerReplication: { Status: 'Enabled' } }),
          second({ ID: 'tag', Priority: 2, Filter: { Tag: { Key: 'k', Value: 'v' } } }),
          second({
            ...{ ID: 'and', Priority: 3, Status: 'Disabled' },
            Filter: { And: { Prefix: 'x', Tags: [{ Key: 'k', Value: 'v' }] } },
            SourceSelectionCriteria: {
              SseKmsEncryptedObjects: { Status: 'Enabled' },
              ReplicaModifications: { Status: 'Disabled' },
            },
            ExistingObjectReplication: { Status: 'Disabled' },
            Destination: {
              ...{ ...to('elsewhere'), Account: '123456789012', StorageClass: 'STANDARD' },
              AccessControlTranslation: { Owner: 'Destination' },
              EncryptionConfiguration: { ReplicaKmsKeyID: 'alias/aws/s3' },
            },
          }),
          second({ ID: 'far', Priority: 4, Destination: { Bucket: 'arn:coffer:s3::dr:far-away' } }),
        ],
      },
    ]
    for (const configuration of configurations) {
      await putWhole(configuration)
      expect(await get()).toEqual(configuration)
    }
    await test.s3.send(new DeleteBucketReplicationCommand({ Bucket: test.bucket }))
    await test.s3.send(new DeleteBucketReplicationCommand({ Bucket: test.bucket }))
    expect(await refusal(get())).toBe('404 ReplicationConfigurationNotFoundError')
  })

  it('is taken without a role, as IBM has it, and gives rules names', async () => {
    await putWhole({ Role: undefined, Rules: [second({ ID: undefined })] })
    const configuration = await get()
    expect(configuration?.Role).toBeUndefined()
    expect(configuration?.Rules?.[0]?.ID).toMatch(/^[0-9A-Za-z]{10,}$/)
  })

  it('is refused with S3’s codes where it is wrong', async () => {
    const SCHEMA = `of Cross Region Replication configuration schema. ${GUIDE}`
    const cases: [ReplicationRule[] | ReplicationConfiguration, string][] = [
      [[], 'MalformedXML'],
      [[second({ Status: undefined })], 'MalformedXML'],
      [[second({ Destination: undefined })], 'MalformedXML'],
      [{ Role: 'me', Rules: [second()] }, 'InvalidArgument: Invalid Role specified in replication config'],
      [[second({ ID: 'x'.repeat(256) })], 'InvalidArgument: Rule Id cannot be greater than 255'],
      [[second(), second({ Priority: 2 })], 'InvalidArgument: Rule Id must be unique'],
      [[second(), second({ ID: 'b' })], 'InvalidRequest: Found duplicate priority 1.'],
      [[second({ Priority: -1 })], 'InvalidRequest: Priority must be between 0 and 2147483647.'],
      [[second({ Priority: undefined })], `InvalidRequest: Priority must be specified for this version ${SCHEMA}`],
      [
        [second({ DeleteMarkerReplication: undefined })],
        `InvalidRequest: DeleteMarkerReplication must be specified for this version ${SCHEMA}`,
      ],
      [[first({ Priority: 1 })], `InvalidRequest: Priority cannot be used for this version ${SCHEMA}`],
      [
        [first({ DeleteMarkerReplication: { Status: 'Disabled' } })],
        `InvalidRequest: DeleteMarkerReplication cannot be used for this version ${SCHEMA}`,
      ],
      [[first({ Prefix: undefined })], 'MalformedXML'],
      [[first(), first({ ID: 'b', Prefix: 'a/b' })], 'InvalidRequest: Found overlapping prefixes'],
      [
        [first(), first({ ID: 'b', Prefix: 'b/', Destination: to('elsewhere') })],
        'InvalidRequest: Number of distinct destination bucket ARNs cannot exceed 1',
      ],
      [
        [second({ Filter: { Tag: { Key: 'k', Value: 'v' } }, DeleteMarkerReplication: { Status: 'Enabled' } })],
        `InvalidRequest: Delete marker replication is not supported if any Tag filter is specified. ${GUIDE}`,
      ],
      [[second({ SourceSelectionCriteria: {} })], 'InvalidRequest: SourceSelectionCriteria cannot be empty.'],
      [
        [second({ SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } } })],
        'InvalidRequest: ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.',
      ],
      [
        [second({ Destination: { ...to('there'), EncryptionConfiguration: { ReplicaKmsKeyID: 'alias/aws/s3' } } })],
        'InvalidRequest: SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.',
      ],
      [
        [second({ Destination: { ...to('there'), AccessControlTranslation: { Owner: 'Destination' } } })],
        'InvalidRequest: Account must be specified if the Owner in AccessControlTranslation has a value',
      ],
      [[second({ Destination: { Bucket: 'there' } })], 'InvalidArgument: Invalid bucket ARN'],
      [[second({ Destination: to(test.bucket) })], 'InvalidRequest: Destination bucket cannot be the same as'],
      [[second({ Destination: to('nowhere') })], 'InvalidRequest: Destination bucket must exist.'],
      [[second({ Destination: { ...to('there'), StorageClass: 'GLACIER' } })], 'MalformedXML'],
      [[second({ Destination: { Bucket: 'arn:aws:s3::gone:there' } })], 'InvalidArgument: The replication target is'],
      // Of another account alone.
      [[second({ Destination: { Bucket: 'arn:aws:s3::theirs:there' } })], 'InvalidArgument: The replication target is'],
    ]
    for (const [given, expected] of cases) {
      const work = Array.isArray(given) ? put(...given) : putWhole(given)
      expect(await message(work)).toContain(expected)
    }
    const many = Array.from({ length: 1001 }, (_, n) => second({ ID: `${n}`, Priority: n }))
    expect(await message(put(...many))).toContain('InvalidRequest: The number of replication rules must not exceed')
    expect(await refusal(get())).toBe('404 ReplicationConfigurationNotFoundError')
    await put(...many.slice(1))
    expect((await get())?.Rules).toHaveLength(1000)
  })

  it('promises nothing that is not done', async () => {
    const cases: Partial<ReplicationRule>[] = [
      { ExistingObjectReplication: { Status: 'Enabled' } },
      { SourceSelectionCriteria: { ReplicaModifications: { Status: 'Enabled' } } },
      { Destination: { ...to('there'), Metrics: { Status: 'Enabled' } } },
      {
        Destination: {
          ...to('there'),
          ReplicationTime: { Status: 'Enabled', Time: { Minutes: 15 } },
          Metrics: { Status: 'Disabled' },
        },
      },
    ]
    for (const more of cases) expect(await refusal(put(second(more)))).toBe('501 NotImplemented')
  })

  it('takes versions at both ends, and keeps them', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'plain' }))
    expect(await message(put(second({ Destination: to('plain') })))).toBe(
      'InvalidRequest: Destination bucket must have versioning enabled.',
    )
    const Bucket = 'plain'
    const ReplicationConfiguration = { Role, Rules: [second()] }
    expect(await message(test.s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration })))).toBe(
      "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    )
    await put(second())
    expect(await message(version(test.bucket, 'Suspended'))).toBe(
      'InvalidBucketState: A replication configuration is present on this bucket, so the versioning state cannot be changed.',
    )
    await test.s3.send(new DeleteBucketReplicationCommand({ Bucket: test.bucket }))
    await version(test.bucket, 'Suspended')
  })

  it('cannot send to the bucket of somebody else', async () => {
    const theirs = test.client(otherAccount)
    await theirs.send(new CreateBucketCommand({ Bucket: 'theirs' }))
    await theirs.send(
      new PutBucketVersioningCommand({ Bucket: 'theirs', VersioningConfiguration: { Status: 'Enabled' } }),
    )
    expect(await refusal(put(second({ Destination: to('theirs') })))).toBe('403 AccessDenied')
    expect(await refusal(putWhole({ Role, Rules: [second()] }, theirs))).toBe('403 AccessDenied')
  })
})
