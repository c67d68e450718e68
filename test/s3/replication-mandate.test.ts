import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { keyOwner } from '../support/keys.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { type QueryCredentials, queryApi } from '../support/query-api.ts'
import {
  bytesOf,
  head,
  isDone,
  PATIENCE,
  replicate,
  rule,
  statusOf,
  versioned,
  versionsOf,
} from '../support/replication.ts'

const DAY_MS = 86_400_000
const arnOf = (bucket: string) => `arn:aws:s3:::${bucket}`
const both = (bucket: string) => [arnOf(bucket), `${arnOf(bucket)}/*`]

let test: ObjectHouse
let other: S3Client
beforeEach(async () => {
  test = await startObjectHouse({ accounts: [mainAccount, otherAccount] })
  other = test.client(otherAccount)
  await enable(test.bucket)
})
afterEach(() => test[Symbol.asyncDispose]())

const enable = (Bucket: string) =>
  test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const isFailed = (key: string) => expect.poll(() => statusOf(test.s3, test.bucket, key), PATIENCE).toBe('FAILED')
const document = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement })

/** A user with this policy alone. */
async function user(UserName: string, ...statements: readonly object[]) {
  const iam = queryApi(test.s3Url, 'iam')
  await iam('CreateUser', { UserName })
  const key = await iam('CreateAccessKey', { UserName })
  const credentials = { accessKeyId: key.text('AccessKeyId'), secretAccessKey: key.text('SecretAccessKey') }
  const policy = async (...given: readonly object[]) =>
    expect(
      (await iam('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument: document(...given) })).outcome,
    ).toBe('200')
  await policy(...statements)
  const remove = async () => {
    await iam('DeleteAccessKey', { UserName, AccessKeyId: credentials.accessKeyId })
    await iam('DeleteUserPolicy', { UserName, PolicyName: 'p' })
    expect((await iam('DeleteUser', { UserName })).outcome).toBe('200')
  }
  return { s3: clientOf(credentials), credentials, policy, remove }
}
const clientOf = (credentials: QueryCredentials) => test.client(mainAccount, { credentials })
const everything = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
const allow = (...Resource: string[]) => ({ Effect: 'Allow', Action: 's3:*', Resource })

describe('What somebody has replicated', () => {
  beforeEach(() => versioned(test.s3, 'there'))

  it('goes only as far as he may read it, object by object', async () => {
    const mallory = await user('mallory', allow(...both(test.bucket), ...both('there')), {
      Effect: 'Deny',
      Action: 's3:Get*',
      Resource: `${arnOf(test.bucket)}/secret/*`,
    })
    await replicate(mallory.s3, test.bucket, rule(arnOf('there')))
    await test.put('secret/plan', 'x')
    await test.put('open', 'x')
    await isDone(test.s3, test.bucket, 'open')
    await isFailed('secret/plan')
    expect(await refusal(head(test.s3, 'there', 'secret/plan'))).toBe('404 NotFound')
    await mallory.policy(everything)
    await isDone(test.s3, test.bucket, 'secret/plan')
  })

  it('is not what a pattern in his policy happens to match', async () => {
    const mallory = await user(
      'mallory',
      { Effect: 'Allow', Action: 's3:PutReplicationConfiguration', Resource: '*' },
      allow(...both('there')),
      { Effect: 'Allow', Action: 's3:Get*', Resource: `${arnOf(test.bucket)}/public-?` },
    )
    await replicate(mallory.s3, test.bucket, rule(arnOf('there'), { Filter: { Prefix: 'public-' } }))
    await test.put('public-plan', 'x')
    await test.put('public-1', 'x')
    await isDone(test.s3, test.bucket, 'public-1')
    await isFailed('public-plan')
  })

  it('is written, and hidden, only where he may', async () => {
    const mallory = await user(
      'mallory',
      everything,
      { Effect: 'Deny', Action: 's3:ReplicateObject', Resource: `${arnOf('there')}/kept/*` },
      { Effect: 'Deny', Action: 's3:ReplicateDelete', Resource: `${arnOf('there')}/open` },
    )
    await replicate(mallory.s3, test.bucket, rule(arnOf('there')))
    await test.put('kept/key', 'x')
    await test.put('open', 'x')
    await isFailed('kept/key')
    await isDone(test.s3, test.bucket, 'open')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'open' }))
    await test.put('after', 'x')
    await isDone(test.s3, test.bucket, 'after')
    expect((await bytesOf(test.s3, 'there', 'open')).toString()).toBe('x')
    await test.put('open', 'y')
    await isDone(test.s3, test.bucket, 'open')
    await mallory.policy(everything)
    // It comes later, and takes its place.
    const openOf = async (Bucket: string) => (await versionsOf(test.s3, Bucket)).filter((one) => /^-?open /.test(one))
    await expect.poll(() => openOf('there'), PATIENCE).toEqual(await openOf(test.bucket))
    expect(await openOf('there')).toHaveLength(3)
  })

  it.each([
    ['read', 's3:GetObject', 'source'],
    ['read by version', 's3:GetObjectVersion', 'source'],
    ['write', 's3:PutObject', 'there'],
    ['tag', 's3:ReplicateTags', 'there'],
    ['tag as others do', 's3:PutObjectTagging', 'there'],
  ])('is not what a statement denies him to %s', async (_, Action, where) => {
    const denied = where === 'source' ? test.bucket : where
    const deny = { Effect: 'Deny', Action, Resource: `${arnOf(denied)}/*` }
    const mallory = await user('mallory', everything)
    await replicate(mallory.s3, test.bucket, rule(arnOf('there')))
    await mallory.policy(everything, deny)
    await test.put('key', 'x', { Tagging: 'a=b' })
    await isFailed('key')
    await mallory.policy(everything)
    await isDone(test.s3, test.bucket, 'key')
    const Principal = { AWS: `arn:aws:iam::${mainAccount.id}:user/mallory` }
    await test.s3.send(new PutBucketPolicyCommand({ Bucket: denied, Policy: document({ ...deny, Principal }) }))
    await test.put('by-policy', 'x', { Tagging: 'a=b' })
    await isFailed('by-policy')
    expect(await refusal(head(test.s3, 'there', 'by-policy'))).toBe('404 NotFound')
  })

  it('needs the rights of replication alone, as S3 has them, of a user or a session', async () => {
    const rights = [
      { Effect: 'Allow', Action: 's3:PutReplicationConfiguration', Resource: '*' },
      { Effect: 'Allow', Action: 's3:GetObjectVersionForReplication', Resource: both(test.bucket) },
      { Effect: 'Allow', Action: ['s3:ReplicateObject', 's3:ReplicateDelete'], Resource: both('there') },
    ]
    const copier = await user('copier', ...rights)
    await replicate(copier.s3, test.bucket, rule(arnOf('there')))
    await test.put('key', 'x', { Tagging: 'a=b' })
    await isDone(test.s3, test.bucket, 'key')
    await test.s3.send(
      new PutBucketPolicyCommand({
        Bucket: 'there',
        // As one is often given: nothing comes unencrypted.
        Policy: document({
          ...{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: `${arnOf('there')}/*` },
          Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } },
        }),
      }),
    )
    await test.put('encrypted', 'x')
    await isDone(test.s3, test.bucket, 'encrypted')
    const iam = queryApi(test.s3Url, 'iam')
    const Action = 'sts:AssumeRole'
    const AWS = `arn:aws:iam::${mainAccount.id}:root`
    await iam('CreateRole', {
      RoleName: 'limited',
      AssumeRolePolicyDocument: document({ Effect: 'Allow', Principal: { AWS }, Action }),
    })
    await iam('PutRolePolicy', { RoleName: 'limited', PolicyName: 'p', PolicyDocument: document(everything) })
    const caller = await user('caller', { Effect: 'Allow', Action, Resource: '*' })
    const session = await queryApi(
      test.s3Url,
      'sts',
      caller.credentials,
    )('AssumeRole', {
      ...{ RoleArn: `arn:aws:iam::${mainAccount.id}:role/limited`, RoleSessionName: 'once' },
      Policy: document(...rights),
    })
    const credentials = {
      ...{ accessKeyId: session.text('AccessKeyId'), secretAccessKey: session.text('SecretAccessKey') },
      sessionToken: session.text('SessionToken'),
    }
    await replicate(clientOf(credentials), test.bucket, rule(arnOf('there')))
    await test.put('by-session', 'x', { Tagging: 'a=b' })
    await isDone(test.s3, test.bucket, 'by-session')
  })

  it('stays once he is gone, and a later one of his name is another', async () => {
    const first = await user('mallory', everything)
    await replicate(first.s3, test.bucket, rule(arnOf('there')))
    await test.put('before', 'x')
    await isDone(test.s3, test.bucket, 'before')
    await first.remove()
    await user('mallory', everything)
    await test.put('after', 'x')
    await isFailed('after')
    const told = await test.s3.send(new GetBucketReplicationCommand({ Bucket: test.bucket }))
    expect(JSON.stringify(told)).not.toContain('AIDA')
  })

  it('goes by the rights of a role, and no further than its session could', async () => {
    const iam = queryApi(test.s3Url, 'iam')
    const caller = await user('caller', { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' })
    const trust = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${mainAccount.id}:root` },
      Action: 'sts:AssumeRole',
    }
    await iam('CreateRole', { RoleName: 'copier', AssumeRolePolicyDocument: document(trust) })
    await iam('PutRolePolicy', { RoleName: 'copier', PolicyName: 'p', PolicyDocument: document(everything) })
    const sts = queryApi(test.s3Url, 'sts', caller.credentials)
    const session = await sts('AssumeRole', {
      ...{ RoleArn: `arn:aws:iam::${mainAccount.id}:role/copier`, RoleSessionName: 'once' },
      Policy: document(everything, { Effect: 'Deny', Action: 's3:Get*', Resource: `${arnOf(test.bucket)}/secret/*` }),
    })
    expect(session.outcome).toBe('200')
    const credentials = {
      ...{ accessKeyId: session.text('AccessKeyId'), secretAccessKey: session.text('SecretAccessKey') },
      sessionToken: session.text('SessionToken'),
    }
    await replicate(clientOf(credentials), test.bucket, rule(arnOf('there')))
    await test.put('secret/key', 'x')
    await test.put('open', 'x')
    await isDone(test.s3, test.bucket, 'open')
    await isFailed('secret/key')
    await iam('DeleteRolePolicy', { RoleName: 'copier', PolicyName: 'p' })
    await test.put('later', 'x')
    await isFailed('later')
  })

  it('stays where nobody knows who had it replicated', async () => {
    await replicate(test.s3, test.bucket, rule(arnOf('there')))
    const { objects } = test.house
    await objects.changeDocument(objects.buckets.get(test.bucket), 'replication', (now) =>
      JSON.parse(JSON.stringify(now, (key, value) => (key === 'orderedBy' ? undefined : value))),
    )
    await test.put('key', 'x')
    await isFailed('key')
  })

  it('does not come out under a key of the store’s when the rule takes no root keys any more', async () => {
    const keys = await keyOwner(test.controlUrl)
    const [from, to] = [await keys.newKey('from'), await keys.newKey('to')]
    const kmsRule = rule(arnOf('there'), {
      SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
      Destination: { Bucket: arnOf('there'), EncryptionConfiguration: { ReplicaKmsKeyID: to.crn } },
    })
    await replicate(test.s3, test.bucket, kmsRule)
    await keys.act(to.id, 'disable')
    await test.put('key', 'x', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: from.crn })
    await isFailed('key')
    await replicate(test.s3, test.bucket, rule(arnOf('there')))
    await test.put('plain', 'x')
    await isDone(test.s3, test.bucket, 'plain')
    // The first repetitions are over by then.
    await new Promise((resolve) => setTimeout(resolve, 4000))
    expect(await statusOf(test.s3, test.bucket, 'key')).toBe('FAILED')
    expect(await versionsOf(test.s3, 'there')).toHaveLength(1)
  })
})

describe('The owner of a destination', () => {
  const policyOf = (s3: S3Client, Bucket: string, Effect: string) =>
    s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: document({
          ...{ Effect, Principal: { AWS: `arn:aws:iam::${mainAccount.id}:root` }, Action: 's3:*' },
          Resource: both(Bucket),
        }),
      }),
    )

  it('can take back what he allowed', async () => {
    await versioned(other, 'theirs')
    await policyOf(other, 'theirs', 'Allow')
    await replicate(test.s3, test.bucket, rule(arnOf('theirs')))
    await test.put('before', 'x')
    await isDone(test.s3, test.bucket, 'before')
    await policyOf(other, 'theirs', 'Deny')
    await test.put('after', 'x')
    await isFailed('after')
    expect(await versionsOf(other, 'theirs')).toHaveLength(1)
  })

  it('is the one who was meant: not of another bucket of the name, and of the account that the rule names', async () => {
    await versioned(test.s3, 'backup')
    await replicate(test.s3, test.bucket, rule(arnOf('backup')))
    await test.s3.send(new DeleteBucketCommand({ Bucket: 'backup' }))
    await versioned(other, 'backup')
    await policyOf(other, 'backup', 'Allow')
    await test.put('payroll', 'x')
    await isFailed('payroll')
    expect(await versionsOf(other, 'backup')).toEqual([])

    const toAccount = (Account: string) =>
      replicate(test.s3, test.bucket, rule(arnOf('backup'), { Destination: { Bucket: arnOf('backup'), Account } }))
    await toAccount(mainAccount.id)
    await test.put('named', 'x')
    await isFailed('named')
    expect(await versionsOf(other, 'backup')).toEqual([])
    await toAccount(otherAccount.id)
    await isDone(test.s3, test.bucket, 'named')
  })

  const holdOf = async (s3: S3Client, Bucket: string) =>
    (await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'key' }))).LegalHold?.Status
  const hold = (s3: S3Client, Bucket: string, Status: 'ON' | 'OFF') =>
    s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'key', LegalHold: { Status } }))
  const retain = (s3: S3Client, Bucket: string, days: number, BypassGovernanceRetention = false) => {
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + days * DAY_MS) } as const
    return s3.send(new PutObjectRetentionCommand({ Bucket, Key: 'key', Retention, BypassGovernanceRetention }))
  }
  const daysLeft = async (s3: S3Client, Bucket: string) => {
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'key' }))
    return Math.round(((Retention?.RetainUntilDate?.getTime() ?? 0) - Date.now()) / DAY_MS)
  }
  let said = 0
  /** Once what was said of the source has reached the destination. */
  const settled = async (bucket: string) => {
    const TagSet = [{ Key: 'a', Value: String(++said) }]
    await test.s3.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: 'key', Tagging: { TagSet } }))
    await isDone(test.s3, bucket, 'key')
  }

  it.each(['own', 'other'])('keeps the holds and the retention that are his own (%s account)', async (whose) => {
    const theirs = whose === 'own' ? test.s3 : other
    await versioned(test.s3, 'from', true)
    await versioned(theirs, 'landing', true)
    if (whose === 'other') await policyOf(theirs, 'landing', 'Allow')
    await replicate(test.s3, 'from', rule(arnOf('landing')))
    await test.put('key', 'x', { Bucket: 'from' })
    await isDone(test.s3, 'from', 'key')
    await hold(theirs, 'landing', 'ON')
    await retain(theirs, 'landing', 1000)
    await hold(test.s3, 'from', 'ON')
    await isDone(test.s3, 'from', 'key')
    await hold(test.s3, 'from', 'OFF')
    await retain(test.s3, 'from', 1)
    await settled('from')
    expect(await holdOf(theirs, 'landing')).toBe('ON')
    expect(await daysLeft(theirs, 'landing')).toBe(1000)
  })

  /** Both of one account, with Object Lock, and `key` in both. */
  const locked = async (more: Parameters<ObjectHouse['put']>[2] = {}) => {
    await versioned(test.s3, 'from', true)
    await versioned(test.s3, 'landing', true)
    await replicate(test.s3, 'from', rule(arnOf('landing')))
    await test.put('key', 'x', { Bucket: 'from', ...more })
    await isDone(test.s3, 'from', 'key')
  }

  it.each([['ON'], ['OFF', 'ON']] as const)('keeps a hold that he sets anew (%s)', async (...states) => {
    await locked({ ObjectLockLegalHoldStatus: 'ON' })
    for (const status of states) await hold(test.s3, 'landing', status)
    await hold(test.s3, 'from', 'OFF')
    await settled('from')
    expect(await holdOf(test.s3, 'landing')).toBe('ON')
  })

  it('keeps a retention that he sets anew, be it the one that it has from its source', async () => {
    await locked()
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 30 * DAY_MS) } as const
    const same = (Bucket: string) =>
      test.s3.send(new PutObjectRetentionCommand({ Bucket, Key: 'key', Retention, BypassGovernanceRetention: true }))
    await same('from')
    await settled('from')
    expect(await daysLeft(test.s3, 'landing')).toBe(30)
    await same('landing')
    await retain(test.s3, 'from', 1, true)
    await settled('from')
    expect(await daysLeft(test.s3, 'landing')).toBe(30)
  })

  it('keeps a retention of his own that the source made as long, or longer, for a while', async () => {
    await locked()
    const RetainUntilDate = new Date(Date.now() + 30 * DAY_MS)
    const same = (Bucket: string) => {
      const Retention = { Mode: 'GOVERNANCE', RetainUntilDate } as const
      return test.s3.send(new PutObjectRetentionCommand({ Bucket, Key: 'key', Retention }))
    }
    await same('landing')
    for (const step of [() => same('from'), () => retain(test.s3, 'from', 1, true)]) {
      await step()
      await isDone(test.s3, 'from', 'key')
    }
    await settled('from')
    expect(await daysLeft(test.s3, 'landing')).toBe(30)
    await retain(test.s3, 'from', 60)
    await isDone(test.s3, 'from', 'key')
    expect(await daysLeft(test.s3, 'landing')).toBe(60)
    await retain(test.s3, 'from', 1, true)
    await isDone(test.s3, 'from', 'key')
    expect(await daysLeft(test.s3, 'landing')).toBeGreaterThanOrEqual(30)
  })

  it.each(['own', 'other'])('has what the source made weaker again only in the same account (%s)', async (whose) => {
    const theirs = whose === 'own' ? test.s3 : other
    await versioned(test.s3, 'from', true)
    await versioned(theirs, 'landing', true)
    if (whose === 'other') await policyOf(theirs, 'landing', 'Allow')
    await replicate(test.s3, 'from', rule(arnOf('landing')))
    await test.put('key', 'x', { Bucket: 'from', ObjectLockLegalHoldStatus: 'ON' })
    await retain(test.s3, 'from', 30)
    await settled('from')
    expect(await daysLeft(theirs, 'landing')).toBe(30)
    await hold(test.s3, 'from', 'OFF')
    await retain(test.s3, 'from', 1, true)
    await isDone(test.s3, 'from', 'key')
    expect(await holdOf(theirs, 'landing')).toBe(whose === 'own' ? 'OFF' : 'ON')
    expect(await daysLeft(theirs, 'landing')).toBe(whose === 'own' ? 1 : 30)
  })
})
