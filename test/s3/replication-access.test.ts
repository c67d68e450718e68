import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { refusal } from '../support/object-house.ts'
import { type QueryCredentials, type QueryReply, queryApi } from '../support/query-api.ts'
import { bytesOf, head, isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

const arnOf = (bucket: string) => `arn:aws:s3:::${bucket}`
const both = (bucket: string) => [arnOf(bucket), `${arnOf(bucket)}/*`]

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const ids = { made: 0 }
/** A bucket and the one that it is replicated to, both of the main account. */
async function pair() {
  const [from, to] = [`from-${++ids.made}`, `to-${ids.made}`]
  for (const bucket of [from, to]) await versioned(test.main, bucket)
  return { from, to }
}
const put = (Bucket: string, Key: string, s3 = test.main) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
const isFailed = (bucket: string, key: string, s3 = test.main) =>
  expect.poll(() => statusOf(s3, bucket, key), PATIENCE).toBe('FAILED')

describe('An object of another account in a bucket with ACLs', () => {
  it('is replicated only once its owner lets the bucket’s owner read it', async () => {
    const { from, to } = await pair()
    await test.policy(from, { Action: '*', Resource: both(from) })
    await replicate(test.main, from, rule(arnOf(to)))
    await put(from, 'theirs', test.other)
    const copy = { Bucket: to, Key: 'copy', CopySource: `${from}/theirs` }
    expect(await refusal(test.main.send(new GetObjectCommand({ Bucket: from, Key: 'theirs' })))).toBe(
      '403 AccessDenied',
    )
    expect(await refusal(test.main.send(new CopyObjectCommand(copy)))).toBe('403 AccessDenied')
    await isFailed(from, 'theirs', test.other)
    expect(await refusal(head(test.main, to, 'theirs'))).toBe('404 NotFound')
    const acl = { Bucket: from, Key: 'theirs', ACL: 'bucket-owner-read' } as const
    await test.other.send(new PutObjectAclCommand(acl))
    await isDone(test.other, from, 'theirs')
    expect((await bytesOf(test.main, to, 'theirs')).toString()).toBe('theirs')
  })

  it('does not keep the bucket from being replicated by its name', async () => {
    const { from, to } = await pair()
    await test.policy(from, { Action: '*', Resource: both(from) })
    await put(from, '*', test.other)
    await replicate(test.main, from, rule(arnOf(to)))
    await put(from, 'own')
    await isDone(test.main, from, 'own')
  })
})

const document = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement })
const everything = { Effect: 'Allow', Action: '*', Resource: '*' }
/** As AWS's console writes it into the policy AWSRevokeOlderSessions. */
const revoked = () => ({
  ...{ Effect: 'Deny', Action: ['*'], Resource: ['*'] },
  Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date(Date.now() + 1000).toISOString() } },
})
const keyIn = (reply: QueryReply): QueryCredentials => ({
  ...{ accessKeyId: reply.text('AccessKeyId'), secretAccessKey: reply.text('SecretAccessKey') },
  ...(reply.text('SessionToken') ? { sessionToken: reply.text('SessionToken') } : {}),
})

describe('What a session had replicated', () => {
  const clientOf = (credentials: QueryCredentials) => test.house.client(mainAccount, { credentials })
  const iam = () => queryApi(test.house.s3Url, 'iam')
  /** A user who may everything. */
  async function user(UserName: string) {
    await iam()('CreateUser', { UserName })
    const credentials = keyIn(await iam()('CreateAccessKey', { UserName }))
    await iam()('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument: document(everything) })
    return credentials
  }
  const goes = async (from: string, key: string) => {
    await put(from, key)
    await isDone(test.main, from, key)
  }
  const stays = async (from: string, key: string) => {
    await put(from, key)
    await isFailed(from, key)
  }

  it('ends when older sessions of its role are revoked', async () => {
    const { from, to } = await pair()
    const sts = queryApi(test.house.s3Url, 'sts', await user('taker'))
    const Principal = { AWS: `arn:aws:iam::${mainAccount.id}:root` }
    const trust = document({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' })
    const role = { RoleName: 'copier' }
    await iam()('CreateRole', { ...role, AssumeRolePolicyDocument: trust })
    await iam()('PutRolePolicy', { ...role, PolicyName: 'p', PolicyDocument: document(everything) })
    const RoleArn = `arn:aws:iam::${mainAccount.id}:role/copier`
    const session = keyIn(await sts('AssumeRole', { RoleArn, RoleSessionName: 'once' }))
    await replicate(clientOf(session), from, rule(arnOf(to)))
    await goes(from, 'before')
    const revoke = { ...role, PolicyName: 'AWSRevokeOlderSessions', PolicyDocument: document(revoked()) }
    expect((await iam()('PutRolePolicy', revoke)).outcome).toBe('200')
    await stays(from, 'after')
  })

  it('ends when older sessions of its user are revoked, and what his keys had replicated does not', async () => {
    const [mine, ofKeys] = [await pair(), await pair()]
    const credentials = await user('anna')
    const session = keyIn(await queryApi(test.house.s3Url, 'sts', credentials)('GetSessionToken'))
    await replicate(clientOf(session), mine.from, rule(arnOf(mine.to)))
    await replicate(clientOf(credentials), ofKeys.from, rule(arnOf(ofKeys.to)))
    await goes(mine.from, 'before')
    const revoke = { UserName: 'anna', PolicyName: 'revoke', PolicyDocument: document(revoked()) }
    expect((await iam()('PutUserPolicy', revoke)).outcome).toBe('200')
    await stays(mine.from, 'after')
    await goes(ofKeys.from, 'after')
  })

  it('ends by the policy of a bucket, too, also of the account itself', async () => {
    const { from, to } = await pair()
    const session = keyIn(await queryApi(test.house.s3Url, 'sts')('GetSessionToken'))
    await replicate(clientOf(session), from, rule(arnOf(to)))
    await goes(from, 'before')
    await test.policy(to, { ...revoked(), Action: 's3:Replicate*', Resource: `${arnOf(to)}/*` })
    await stays(from, 'after')
  })
})

describe('The firewall of a bucket', () => {
  const wall = async (bucket: string, firewall: object | null) => {
    const token = await iamToken(test.house.controlUrl)
    expect((await sendConfig(test.house.controlUrl, bucket, token, { patch: { firewall } })).status).toBe(204)
  }
  const walls = [
    { allowed_ip: ['192.0.2.1'] },
    // It lets in whoever this test is.
    { allowed_ip: ['127.0.0.0/8', '::1'] },
    { denied_ip: ['192.0.2.1'] },
    { allowed_network_type: ['private', 'direct'] },
    { allowed_network_type: ['public'] },
  ]

  it.each(walls)('%j lets no replica in, until it is lifted', async (firewall) => {
    const { from, to } = await pair()
    await replicate(test.main, from, rule(arnOf(to)))
    await wall(to, firewall)
    await put(from, 'key')
    await isFailed(from, 'key')
    await wall(to, null)
    await isDone(test.main, from, 'key')
  })

  it('lets nothing out that is replicated, and no marker or change of a version in', async () => {
    const { from, to } = await pair()
    await replicate(test.main, from, rule(arnOf(to)))
    for (const key of ['key', 'deleted']) {
      await put(from, key)
      await isDone(test.main, from, key)
    }
    await wall(to, { denied_ip: ['192.0.2.1'] })
    await test.main.send(new DeleteObjectCommand({ Bucket: from, Key: 'deleted' }))
    const TagSet = [{ Key: 'a', Value: 'b' }]
    await test.main.send(new PutObjectTaggingCommand({ Bucket: from, Key: 'key', Tagging: { TagSet } }))
    await isFailed(from, 'key')
    await put(from, 'after')
    await isFailed(from, 'after')
    expect((await head(test.main, to, 'key')).TagCount).toBeUndefined()
    expect((await bytesOf(test.main, to, 'deleted')).toString()).toBe('deleted')
    await wall(to, null)
    await isDone(test.main, from, 'key')
    await expect.poll(() => refusal(head(test.main, to, 'deleted')), PATIENCE).toBe('404 NotFound')
    await wall(from, { denied_ip: ['192.0.2.1'] })
    await put(from, 'inside')
    await isFailed(from, 'inside')
  })

  it('is told when such a bucket is to be replicated, or replicated to', async () => {
    const { from, to } = await pair()
    const configured = () => refusal(replicate(test.main, from, rule(arnOf(to))))
    for (const bucket of [from, to]) {
      await wall(bucket, { allowed_ip: ['127.0.0.0/8', '::1'] })
      expect(await configured()).toBe('400 InvalidRequest')
      await wall(bucket, { allowed_ip: [], allowed_network_type: ['public', 'private', 'direct'] })
      expect(await configured()).toBe('200')
    }
  })
})
