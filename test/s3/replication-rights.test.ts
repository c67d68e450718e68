import {
  GetObjectRetentionCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, type RawS3Request, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'
import { isDone, PATIENCE, rule, statusOf, versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('aws')
})
afterAll(() => test[Symbol.asyncDispose]())

const root = { AWS: `arn:aws:iam::${otherAccount.id}:root` }
const ids = { made: 0 }
/** Of a version that there is not yet. */
const replicaHeaders = () => ({
  'x-coffer-replica-version-id': Buffer.alloc(16, ++ids.made).toString('base64url'),
  'x-coffer-replica-modified-ms': '1700000000000',
})
const send = async (path: string, request: Omit<RawS3Request, 'path' | 'account'>) =>
  outcome(await sendRaw(test.house.s3Url, { ...request, path, account: otherAccount }))
const enable = (Bucket: string) =>
  test.main.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
/** The other account, allowed these alone. */
const allow = (bucket: string, ...actions: readonly string[]) =>
  test.policy(bucket, {
    ...{ Principal: root, Action: actions.map((action) => `s3:${action}`) },
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  })

describe('Whoever says that something is a replica', () => {
  it('needs the right to replicate beside the right to write', async () => {
    const bucket = await test.bucket()
    await enable(bucket)
    const put = (headers: Record<string, string>) => send(`/${bucket}/key`, { method: 'PUT', body: 'x', headers })
    const remove = (headers: Record<string, string>) => send(`/${bucket}/key`, { method: 'DELETE', headers })
    await allow(bucket, 'PutObject', 'DeleteObject')
    expect(await put({})).toBe('200')
    expect(await put(replicaHeaders())).toBe('403 AccessDenied')
    expect(await put({ 'x-coffer-replica-sealed-size': '1' })).toBe('403 AccessDenied')
    expect(await remove(replicaHeaders())).toBe('403 AccessDenied')
    await allow(bucket, 'PutObject', 'DeleteObject', 'ReplicateObject')
    expect(await put(replicaHeaders())).toBe('200')
    expect(await remove(replicaHeaders())).toBe('403 AccessDenied')
    await allow(bucket, 'PutObject', 'DeleteObject', 'ReplicateDelete')
    expect(await put(replicaHeaders())).toBe('403 AccessDenied')
    expect(await remove(replicaHeaders())).toBe('204')
    await allow(bucket, 'ReplicateObject', 'ReplicateDelete')
    expect(await put(replicaHeaders())).toBe('403 AccessDenied')
    expect(await remove(replicaHeaders())).toBe('403 AccessDenied')
  })

  it('must have signed it', async () => {
    const bucket = await test.bucket()
    await enable(bucket)
    const signed = signRaw(test.house.s3Url, { method: 'PUT', path: `/${bucket}/key`, body: 'x' })
    const outgoing = startRaw(test.house.s3Url, {
      ...signed,
      headers: { ...signed.headers, ...replicaHeaders(), 'content-length': '1' },
    })
    outgoing.end('x')
    expect(outcome(await replyOf(outgoing))).toBe('403 AccessDenied')
  })

  it('does not shorten the retention that the bucket gives by an early date', async () => {
    const bucket = await test.bucket({ ObjectLockEnabledForBucket: true })
    const DefaultRetention = { Mode: 'COMPLIANCE', Days: 1 } as const
    const Rule = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } as const
    await test.main.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: Rule }))
    await allow(bucket, 'PutObject', 'ReplicateObject')
    const headers = { ...replicaHeaders(), 'content-md5': 'ndTkYSaMgDT1yFZOFVxnpg==' }
    expect(await send(`/${bucket}/key`, { method: 'PUT', body: 'x', headers })).toBe('200')
    const { Retention } = await test.main.send(new GetObjectRetentionCommand({ Bucket: bucket, Key: 'key' }))
    expect(Retention?.RetainUntilDate?.getTime()).toBeGreaterThan(Date.now() + 80_000_000)
  })
})

describe('Whoever has a bucket replicated', () => {
  it('must be allowed to read what goes, and to write it where it goes', async () => {
    const [from, to] = [await test.bucket(), await test.bucket()]
    for (const bucket of [from, to]) await enable(bucket)
    const Rules = [rule(`arn:aws:s3:::${to}`, { Filter: { Prefix: 'out/' } })]
    const put = () =>
      refusal(
        test.other.send(
          new PutBucketReplicationCommand({ Bucket: from, ReplicationConfiguration: { Role: undefined, Rules } }),
        ),
      )
    await allow(from, 'PutReplicationConfiguration')
    await allow(to, 'ReplicateObject', 'ReplicateDelete')
    expect(await put()).toBe('403 AccessDenied')
    await allow(from, 'PutReplicationConfiguration', 'GetObjectVersionForReplication')
    expect(await put()).toBe('200')
    await allow(to, 'ReplicateObject')
    expect(await put()).toBe('403 AccessDenied')
    await allow(to, 'ReplicateDelete')
    expect(await put()).toBe('403 AccessDenied')
  })

  it('hears of a quota that stands in the way, and need not do anything once it does not', async () => {
    const from = await test.bucket()
    await enable(from)
    await versioned(test.main, 'full')
    const { objects } = test.house.house
    const bucket = objects.buckets.get('full')
    await objects.configure(bucket, (now) => ({ ...now, hardQuotaBytes: 1 }))
    const Rules = [rule('arn:aws:s3:::full')]
    await test.main.send(
      new PutBucketReplicationCommand({ Bucket: from, ReplicationConfiguration: { Role: undefined, Rules } }),
    )
    await test.main.send(new PutObjectCommand({ Bucket: from, Key: 'key', Body: 'too much' }))
    await expect.poll(() => statusOf(test.main, from, 'key'), PATIENCE).toBe('FAILED')
    await objects.configure(bucket, (now) => ({ ...now, hardQuotaBytes: 100 }))
    await isDone(test.main, from, 'key')
  })
})
