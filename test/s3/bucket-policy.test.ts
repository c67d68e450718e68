import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/api/s3/operations/index.ts'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { refusal } from '../support/object-house.ts'
import { sampleRequest } from '../support/operation-samples.ts'
import { otherAccount } from '../support/other-account.ts'
import { policyFor, type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const arn = (bucket: string, key?: string) => `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`
const root = (account: string) => ({ AWS: `arn:aws:iam::${account}:root` })
/** Operations on a bucket that a policy may give to everybody. */
const FOR_ANYBODY = new Set([
  ...['HeadBucket', 'ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'ListMultipartUploads', 'GetBucketLocation'],
  ...['GetBucketAcl', 'PutBucketAcl', 'DeleteObjects', 'PostObject'],
])
const get = (client: 'main' | 'other', Bucket: string, Key = 'cat') =>
  refusal(test[client].send(new GetObjectCommand({ Bucket, Key })))
const isPublic = async (Bucket: string) =>
  (await test.main.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic

describe('a bucket policy', () => {
  it('is given back byte for byte, replaced and removed', async () => {
    const Bucket = await test.bucket()
    expect(await refusal(test.main.send(new GetBucketPolicyCommand({ Bucket })))).toBe('404 NoSuchBucketPolicy')
    for (const Policy of [policyFor(Bucket, {}), ` ${policyFor(Bucket, { Sid: 'ä' })}`.trimStart()]) {
      const put = await test.main.send(new PutBucketPolicyCommand({ Bucket, Policy }))
      expect(put.$metadata.httpStatusCode).toBe(204)
      expect((await test.main.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
    }
    const gone = await test.main.send(new DeleteBucketPolicyCommand({ Bucket }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect(await refusal(test.main.send(new GetBucketPolicyCommand({ Bucket })))).toBe('404 NoSuchBucketPolicy')
    expect(await get('other', Bucket)).toBe('403 AccessDenied')
  })

  it('that is not understood is refused and changes nothing', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {})
    const before = (await test.main.send(new GetBucketPolicyCommand({ Bucket }))).Policy
    for (const Policy of [
      ...['{', policyFor('other'), policyFor(Bucket, { Condition: { StringFoo: {} } })],
      // These could never do as they say.
      policyFor(Bucket, { Effect: 'Deny', Resource: `arn:aws-cn:s3:::${Bucket}/*` }),
      policyFor(Bucket, { Effect: 'Deny', Action: 's3:ListBucket' }),
      policyFor(Bucket, {}).replace('"Effect"', '"Effect":"Deny","Effect"'),
    ]) {
      expect(await refusal(test.main.send(new PutBucketPolicyCommand({ Bucket, Policy })))).toBe('400 MalformedPolicy')
    }
    expect((await test.main.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(before)
  })

  it('stays with its bucket when the server starts again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    try {
      const before = await startSharedHouse('classic', { directory })
      const Bucket = await before.bucket({ ACL: 'public-read' })
      await before.policy(Bucket, { Principal: root(otherAccount.id) })
      await before.house.stop()
      await using after = await startSharedHouse('aws', { directory })
      expect(await refusal(after.other.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('200')
      expect(await after.anonymous('GET', `/${Bucket}/cat`)).toBe('403 AccessDenied')
      expect(await after.anonymous('GET', `/${Bucket}`)).toBe('200')
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('lets in whom it names, to what it names, for what it names', async () => {
    const Bucket = await test.bucket()
    expect(await get('other', Bucket)).toBe('403 AccessDenied')
    await test.policy(Bucket, { Principal: root(otherAccount.id), Resource: arn(Bucket, 'c*') })
    expect(await get('other', Bucket)).toBe('200')
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('403 AccessDenied')
    const put = new PutObjectCommand({ Bucket, Key: 'cat', Body: 'x' })
    expect(await refusal(test.other.send(put))).toBe('403 AccessDenied')
    expect(await refusal(test.other.send(new ListObjectsV2Command({ Bucket })))).toBe('403 AccessDenied')
    await test.policy(Bucket, { Principal: { AWS: `arn:aws:iam::${otherAccount.id}:user/${otherAccount.user.iamId}` } })
    expect(await get('other', Bucket)).toBe('200')
    await test.policy(Bucket, { Principal: { CanonicalUser: otherAccount.canonicalId } })
    expect(await get('other', Bucket)).toBe('200')
    await test.policy(Bucket, { Principal: { AWS: mainAccount.id } })
    expect(await get('other', Bucket)).toBe('403 AccessDenied')
  })

  it('gives no right to itself to another account, and no administration to whom nobody knows', async () => {
    const Bucket = await test.bucket()
    const all = { Action: 's3:*', Resource: [arn(Bucket), arn(Bucket, '*')] }
    const asOther = async () => [
      await refusal(test.other.send(new GetBucketPolicyCommand({ Bucket }))),
      await refusal(test.other.send(new PutBucketPolicyCommand({ Bucket, Policy: policyFor(Bucket, {}) }))),
      await refusal(test.other.send(new DeleteBucketPolicyCommand({ Bucket }))),
    ]
    const times = (answer: string) => [answer, answer, answer]
    await test.policy(Bucket, { Principal: root(otherAccount.id), Action: 's3:GetObject' })
    expect(await asOther()).toEqual(times('403 AccessDenied'))
    for (const Principal of [root(otherAccount.id), '*']) {
      await test.policy(Bucket, { Principal, ...all })
      expect(await asOther()).toEqual(times('405 MethodNotAllowed'))
      expect(await refusal(test.other.send(new GetBucketPolicyStatusCommand({ Bucket })))).toBe('200')
    }
    for (const operation of OPERATIONS.filter(({ on }) => on === 'bucket')) {
      const { method, query } = sampleRequest(operation, { bucket: Bucket, key: 'cat', source: `${Bucket}/cat` })
      const target = `/${Bucket}?${new URLSearchParams(query)}`
      const answer = await test.anonymous(method, target, method === 'PUT' ? 'x' : undefined)
      expect(`${operation.name} ${answer.startsWith('403')}`).toBe(
        `${operation.name} ${!FOR_ANYBODY.has(operation.name)}`,
      )
    }
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
    expect(await test.anonymous('PUT', `/${Bucket}/cat?tagging`, '<Tagging><TagSet/></Tagging>')).toBe('200')
    expect(await test.anonymous('DELETE', `/${Bucket}/cat`)).toBe('204')
  })

  it('lets in everybody, signed or not', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {}, { Action: 's3:ListBucket', Resource: arn(Bucket) })
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
    expect(await test.anonymous('HEAD', `/${Bucket}/cat`)).toBe('200')
    expect(await test.anonymous('GET', `/${Bucket}?list-type=2`)).toBe('200')
    expect(await test.anonymous('PUT', `/${Bucket}/cat`, 'x')).toBe('403 AccessDenied')
    expect(await test.anonymous('DELETE', `/${Bucket}/cat`)).toBe('403 AccessDenied')
    expect(await test.anonymous('GET', `/${Bucket}/cat?response-content-type=x`)).toBe('400 InvalidRequest')
    expect(await test.anonymous('GET', '/')).toBe('403 AccessDenied')
    expect(await test.anonymous('PUT', '/made-by-nobody')).toBe('403 AccessDenied')
  })

  it('that denies outweighs every right, but lets the account mend the policy', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {}, { Effect: 'Deny', Action: '*', Resource: [arn(Bucket), arn(Bucket, '*')] })
    expect(await get('main', Bucket)).toBe('403 AccessDenied')
    expect(await get('other', Bucket)).toBe('403 AccessDenied')
    expect(await refusal(test.main.send(new ListObjectsV2Command({ Bucket })))).toBe('403 AccessDenied')
    expect(await refusal(test.main.send(new GetBucketPolicyCommand({ Bucket })))).toBe('200')
    await test.main.send(new DeleteBucketPolicyCommand({ Bucket }))
    expect(await get('main', Bucket)).toBe('200')
  })

  it('tells that there is no such object only those who may list', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {})
    expect(await get('other', Bucket, 'dog')).toBe('403 AccessDenied')
    await test.policy(
      Bucket,
      {},
      { Action: 's3:ListBucket', Resource: arn(Bucket), Condition: { StringLike: { 's3:prefix': 'd*' } } },
    )
    expect(await get('other', Bucket, 'dog')).toBe('404 NoSuchKey')
    expect(await get('other', Bucket, 'rat')).toBe('403 AccessDenied')
    expect(await get('main', Bucket, 'rat')).toBe('404 NoSuchKey')
  })

  it('gives rights to versions apart', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, {})
    const version = (client: 'main' | 'other') =>
      refusal(test[client].send(new HeadObjectCommand({ Bucket, Key: 'cat', VersionId: 'null' })))
    expect([await version('main'), await version('other')]).toEqual(['200', '403 Unknown'])
    await test.policy(Bucket, { Action: 's3:GetObjectVersion' })
    expect([await version('other'), await get('other', Bucket)]).toEqual(['200', '403 AccessDenied'])
  })

  it('decides about each key of many that are to be deleted', async () => {
    const Bucket = await test.bucket()
    for (const Key of ['a/1', 'b/1']) await test.main.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    await test.policy(Bucket, { Action: 's3:DeleteObject', Resource: arn(Bucket, 'a/*') })
    const Delete = { Objects: [{ Key: 'a/1' }, { Key: 'b/1' }] }
    const answer = await test.other.send(new DeleteObjectsCommand({ Bucket, Delete }))
    expect(answer.Deleted?.map(({ Key }) => Key)).toEqual(['a/1'])
    expect(answer.Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([['b/1', 'AccessDenied']])
    expect(await get('main', Bucket, 'b/1')).toBe('200')
  })

  it('covers the source of a copy as any reading', async () => {
    const Bucket = await test.bucket()
    const copy = () =>
      refusal(test.other.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/cat` })))
    await test.policy(Bucket, { Action: 's3:PutObject' })
    expect(await copy()).toBe('403 AccessDenied')
    await test.policy(Bucket, {}, { Action: 's3:PutObject' })
    expect(await copy()).toBe('200')
  })

  it('leaves an upload to who began it', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, { Action: 's3:PutObject' })
    const mine = await test.other.send(new CreateMultipartUploadCommand({ Bucket, Key: 'mine' }))
    const theirs = await test.main.send(new CreateMultipartUploadCommand({ Bucket, Key: 'theirs' }))
    const parts = await test.other.send(new ListPartsCommand({ Bucket, Key: 'mine', UploadId: mine.UploadId }))
    expect(parts.Initiator?.ID).toBe(otherAccount.canonicalId)
    const abort = (Key: string, UploadId: string | undefined) =>
      refusal(test.other.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))
    expect(await abort('theirs', theirs.UploadId)).toBe('403 AccessDenied')
    expect(await abort('mine', mine.UploadId)).toBe('200')
  })
})

describe('a condition of a policy', () => {
  const allowedWith = async (condition: object, headers: Record<string, string> = {}, target = '/cat') => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, { Condition: condition })
    return (await test.anonymous('GET', `/${Bucket}${target}`, undefined, headers)) === '200'
  }

  it('knows the request', async () => {
    expect(await allowedWith({ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } })).toBe(true)
    expect(await allowedWith({ IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } })).toBe(false)
    expect(await allowedWith({ Bool: { 'aws:SecureTransport': 'true' } })).toBe(false)
    expect(await allowedWith({ Bool: { 'aws:SecureTransport': 'false' } })).toBe(true)
    expect(await allowedWith({ StringLike: { 'aws:Referer': 'https://a/*' } }, { referer: 'https://a/b' })).toBe(true)
    expect(await allowedWith({ StringEquals: { 'aws:UserAgent': 'x' } }, { 'user-agent': 'x' })).toBe(true)
    expect(await allowedWith({ DateLessThan: { 'aws:CurrentTime': '2001-01-01T00:00:00Z' } })).toBe(false)
    expect(await allowedWith({ NumericGreaterThan: { 'aws:EpochTime': '1700000000' } })).toBe(true)
    expect(await allowedWith({ StringEquals: { 'aws:PrincipalType': 'Anonymous' } })).toBe(true)
    expect(await allowedWith({ Null: { 's3:signatureversion': 'false' } })).toBe(false)
  })

  it('knows the tags of the object that is there, and those that the request gives', async () => {
    const Bucket = await test.bucket()
    const tags = (value: string) => ({ TagSet: [{ Key: 'team', Value: value }] })
    await test.main.send(new PutObjectTaggingCommand({ Bucket, Key: 'cat', Tagging: tags('red') }))
    await test.policy(
      Bucket,
      { Condition: { StringEquals: { 's3:ExistingObjectTag/team': 'red' } } },
      { Action: 's3:PutObjectTagging', Condition: { StringEquals: { 's3:RequestObjectTag/team': 'blue' } } },
    )
    const tag = (value: string) =>
      refusal(test.other.send(new PutObjectTaggingCommand({ Bucket, Key: 'cat', Tagging: tags(value) })))
    expect(await get('other', Bucket)).toBe('200')
    expect(await tag('green')).toBe('403 AccessDenied')
    expect(await tag('blue')).toBe('200')
    expect(await get('other', Bucket)).toBe('403 AccessDenied')
  })

  it('knows what an upload asks for', async () => {
    const Bucket = await test.bucket()
    await test.policy(
      Bucket,
      { Action: 's3:PutObject' },
      { Effect: 'Deny', Action: 's3:PutObject', Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } } },
    )
    const put = (input: object) =>
      refusal(test.other.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', ...input })))
    expect(await put({})).toBe('403 AccessDenied')
    expect(await put({ ServerSideEncryption: 'AES256' })).toBe('200')
  })
})

describe('the audit log', () => {
  it('names the statement, the grant or the role that decided', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, { Sid: 'Everyone may read' })
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
    expect(await get('main', Bucket)).toBe('200')
    await test.main.send(new DeleteBucketPolicyCommand({ Bucket }))
    await test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL: 'public-read' }))
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
    const reasons = async () =>
      (await eventsIn(`${test.house.dataDir}/audit`))
        .filter(({ action, target }) => action === 's3.GetObject' && String(target).endsWith(`:bucket:${Bucket}`))
        .map(({ iamId, reason }) => `${iamId}: ${reason}`)
    await expect
      .poll(async () => new Set(await reasons()))
      .toEqual(
        new Set([
          'anonymous: bucket policy Everyone may read',
          `${mainAccount.user.iamId}: role Manager`,
          'anonymous: object ACL READ of AllUsers',
        ]),
      )
  })
})

describe('the status of a policy', () => {
  it('says whether policy or ACL are public', async () => {
    const Bucket = await test.bucket()
    expect(await isPublic(Bucket)).toBe(false)
    await test.policy(Bucket, { Principal: root(otherAccount.id) })
    expect(await isPublic(Bucket)).toBe(false)
    await test.policy(Bucket, {})
    expect(await isPublic(Bucket)).toBe(true)
    await test.policy(Bucket, { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } })
    expect(await isPublic(Bucket)).toBe(false)
    const open = await test.bucket({ ACL: 'public-read' })
    expect(await isPublic(open)).toBe(true)
  })
})

describe('in a bucket as AWS makes it', () => {
  it('a public policy is refused until its owner lets it be', async () => {
    await using closed = await startSharedHouse('aws')
    const Bucket = await closed.bucket()
    expect(await refusal(closed.policy(Bucket, {}))).toBe('403 AccessDenied')
    await closed.policy(Bucket, { Principal: root(otherAccount.id) })
    expect(await refusal(closed.other.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('200')
    await closed.main.send(new DeletePublicAccessBlockCommand({ Bucket }))
    await closed.policy(Bucket, {})
    expect(await closed.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
  })
})
