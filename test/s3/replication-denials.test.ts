import {
  DeleteObjectTaggingCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type StorageClass,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOwner } from '../support/keys.ts'
import { refusal } from '../support/object-house.ts'
import { head, isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const DAY_MS = 86_400_000
const arnOf = (bucket: string) => `arn:aws:s3:::${bucket}`

let directory: TemporaryDirectory
let test: SharedHouse
beforeAll(async () => {
  directory = await temporaryDirectory()
  test = await startSharedHouse('aws', { settings: { COFFER_STORAGE_CLASSES: `COLD=${directory.join('cold')}` } })
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

let made = 0
/** Both of one account, and one replicated to the other. */
async function pair(lock = false) {
  const [from, to] = [`from-${++made}`, `to-${made}`]
  for (const bucket of [from, to]) await versioned(test.main, bucket, lock)
  await replicate(test.main, from, rule(arnOf(to)))
  return { from, to }
}
const put = async (Bucket: string, more: Partial<PutObjectCommand['input']> = {}) =>
  (await test.main.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ChecksumAlgorithm: 'CRC32', ...more })))
    .VersionId ?? ''
/** Put, and there. */
async function arrived(bucket: string, more: Partial<PutObjectCommand['input']> = {}) {
  const versionId = await put(bucket, more)
  await isDone(test.main, bucket, 'key', versionId)
  return versionId
}
/** Denies everybody, and nobody any more without an action. */
const deny = (Bucket: string, Action: readonly string[], Condition?: object) =>
  test.main.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: {
          ...{ Effect: 'Deny', Principal: '*', Action, Resource: `${arnOf(Bucket)}/*` },
          ...(Condition ? { Condition } : {}),
        },
      }),
    }),
  )
const relent = (Bucket: string) => deny(Bucket, ['s3:RestoreObject'])
const isFailed = (bucket: string, versionId?: string) =>
  expect.poll(() => statusOf(test.main, bucket, 'key', versionId), PATIENCE).toBe('FAILED')
const tag = (Bucket: string, VersionId: string | undefined, ...TagSet: { Key: string; Value: string }[]) =>
  test.main.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', VersionId, Tagging: { TagSet } }))
const untag = (Bucket: string, VersionId?: string) =>
  test.main.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'key', VersionId }))
const tagsOf = async (Bucket: string, VersionId?: string) =>
  (await test.main.send(new GetObjectTaggingCommand({ Bucket, Key: 'key', VersionId }))).TagSet
const inDays = (days: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY_MS)
const retain = (Bucket: string, days: number, BypassGovernanceRetention = false, VersionId?: string) => {
  const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: inDays(days) } as const
  return test.main.send(
    new PutObjectRetentionCommand({ Bucket, Key: 'key', VersionId, Retention, BypassGovernanceRetention }),
  )
}
const daysLeft = async (Bucket: string) => {
  const { Retention } = await test.main.send(new GetObjectRetentionCommand({ Bucket, Key: 'key' }))
  return Math.round(((Retention?.RetainUntilDate?.getTime() ?? 0) - Date.now()) / DAY_MS)
}
const hold = (Bucket: string, Status: 'ON' | 'OFF', VersionId?: string) =>
  test.main.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'key', VersionId, LegalHold: { Status } }))
const heldThere = (Bucket: string, VersionId?: string) =>
  test.main
    .send(new GetObjectLegalHoldCommand({ Bucket, Key: 'key', VersionId }))
    .then(({ LegalHold }) => LegalHold?.Status)
    .catch(() => undefined)

describe('What a destination denies everybody', () => {
  it('is not done by replication: to shorten a retention under governance', async () => {
    const { from, to } = await pair(true)
    await arrived(from, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: inDays(30) })
    await deny(to, ['s3:BypassGovernanceRetention'])
    expect(await refusal(retain(to, 1, true))).toBe('403 AccessDenied')
    await retain(from, 1, true)
    await isFailed(from)
    expect(await daysLeft(to)).toBe(30)
    await relent(to)
    await isDone(test.main, from, 'key')
    expect(await daysLeft(to)).toBe(1)
  })

  it.each([
    ['s3:DeleteObjectTagging'],
    ['s3:DeleteObjectVersionTagging'],
    ['s3:ReplicateTags'],
    ['s3:ReplicateObject'],
  ])('is not done by replication: to take tags away (%s)', async (action) => {
    const { from, to } = await pair()
    await arrived(from, { Tagging: 'class=secret' })
    await deny(to, [action])
    await untag(from)
    await isFailed(from)
    expect(await tagsOf(to)).toEqual([{ Key: 'class', Value: 'secret' }])
    await relent(to)
    await isDone(test.main, from, 'key')
    expect(await tagsOf(to)).toEqual([])
  })

  it.each([['s3:PutObjectTagging'], ['s3:PutObjectVersionTagging'], ['s3:ReplicateTags']])(
    'is not done by replication: to change tags (%s)',
    async (action) => {
      const { from, to } = await pair()
      const versionId = await arrived(from)
      await deny(to, [action])
      await tag(from, versionId, { Key: 'a', Value: 'b' })
      await isFailed(from)
      expect(await tagsOf(to)).toEqual([])
    },
  )

  it('is decided by the tags of the very version that is changed', async () => {
    const { from, to } = await pair(true)
    const frozen = await arrived(from, { Tagging: 'frozen=yes' })
    await arrived(from)
    const actions = ['PutObjectTagging', 'PutObjectVersionTagging', 'PutObjectLegalHold', 'PutObjectRetention']
    await deny(
      to,
      actions.map((action) => `s3:${action}`),
      { StringEquals: { 's3:ExistingObjectTag/frozen': 'yes' } },
    )
    const further = { Key: 'a', Value: 'b' }
    const changes = [
      (bucket: string) => tag(bucket, frozen, { Key: 'frozen', Value: 'yes' }, further),
      (bucket: string) => hold(bucket, 'ON', frozen),
      (bucket: string) => retain(bucket, 1, false, frozen),
    ]
    for (const change of changes) {
      expect(await refusal(change(to))).toBe('403 AccessDenied')
      await change(from)
      await isFailed(from, frozen)
    }
    expect(await tagsOf(to, frozen)).toHaveLength(1)
    expect(await heldThere(to, frozen)).toBeUndefined()
    // Of another one they say nothing.
    await put(from, { Key: 'free' })
    await isDone(test.main, from, 'free')
    const free = { Bucket: from, Key: 'free', Tagging: { TagSet: [further] } }
    await test.main.send(new PutObjectTaggingCommand(free))
    await isDone(test.main, from, 'free')
    expect((await head(test.main, to, 'free')).TagCount).toBe(1)
  })

  it.each([
    ['of its source', { StorageClass: 'COLD' }],
    ['that the bucket has', {}],
  ])('is decided by the class %s', async (_, more) => {
    const { from, to } = await pair()
    const Condition =
      'StorageClass' in more
        ? { StringEquals: { 's3:x-amz-storage-class': 'COLD' } }
        : { StringNotEquals: { 's3:x-amz-storage-class': 'COLD' } }
    await deny(to, ['s3:PutObject'], Condition)
    const asked = { ...more } as { StorageClass?: StorageClass }
    expect(await refusal(put(to, asked))).toBe('403 AccessDenied')
    await put(from, asked)
    await isFailed(from)
    expect(await refusal(head(test.main, to, 'key'))).toBe('404 NotFound')
  })

  it('is decided by all names of a key, and by the key that is really used', async () => {
    const keys = await keyOwner(test.house.controlUrl)
    const key = await keys.newKey('of replicas')
    const { from, to } = await pair()
    const underKey = (ReplicaKmsKeyID: string) =>
      rule(arnOf(to), {
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
        Destination: { Bucket: arnOf(to), EncryptionConfiguration: { ReplicaKmsKeyID } },
      })
    const wrapped = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key.crn } as const
    const goesNot = async (Key: string, more: Partial<PutObjectCommand['input']>) => {
      await put(from, { Key, ...more })
      await expect.poll(() => statusOf(test.main, from, Key), PATIENCE).toBe('FAILED')
      expect(await refusal(head(test.main, to, Key))).toBe('404 NotFound')
    }
    for (const [index, [named, denied]] of [
      [key.crn, key.id],
      [key.id, key.crn],
      [key.crn, key.crn],
    ].entries()) {
      await replicate(test.main, from, underKey(named ?? ''))
      await deny(to, ['s3:PutObject'], {
        StringEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': denied },
      })
      expect(await refusal(put(to, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: named }))).toBe('403 AccessDenied')
      await goesNot(`under key ${index}`, wrapped)
    }
    await deny(to, ['s3:PutObject'], { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } })
    await put(from, { Key: 'wrapped', ...wrapped })
    await isDone(test.main, from, 'wrapped')
    // Where the rule names none, it would come under the store's.
    await test.main.send(
      new PutBucketReplicationCommand({
        Bucket: from,
        ReplicationConfiguration: { Role: undefined, Rules: [rule(arnOf(to))] },
      }),
    )
    await goesNot('unwrapped', wrapped)
  })
})

describe('What the owner of a replica made of it', () => {
  it('stays when something else changes at the source', async () => {
    const { from, to } = await pair(true)
    const versionId = await arrived(from, { Tagging: 'of=source' })
    const own = { Key: 'of', Value: 'owner' }
    await tag(to, versionId, own)
    await hold(from, 'ON')
    await isDone(test.main, from, 'key')
    expect(await heldThere(to)).toBe('ON')
    expect(await tagsOf(to)).toEqual([own])
    await tag(from, undefined, { Key: 'of', Value: 'source again' })
    await isDone(test.main, from, 'key')
    expect(await tagsOf(to)).toEqual([{ Key: 'of', Value: 'source again' }])
  })
})
