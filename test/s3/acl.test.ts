import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  type Grant,
  ListObjectsCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const OWNER = { ID: mainAccount.id, DisplayName: mainAccount.name }
const ALL = 'http://acs.amazonaws.com/groups/global/AllUsers'
const short = (grants: Grant[] = []) =>
  grants.map(
    ({ Grantee: grantee, Permission }) => `${grantee?.DisplayName ?? grantee?.URI?.replace(/.*\//, '')} ${Permission}`,
  )
const bucketAcl = async (Bucket: string) => short((await test.main.send(new GetBucketAclCommand({ Bucket }))).Grants)
const objectAcl = async (Bucket: string, Key = 'cat') =>
  short((await test.main.send(new GetObjectAclCommand({ Bucket, Key }))).Grants)
const user = (ID: string | undefined): Grant['Grantee'] => ({ Type: 'CanonicalUser', ID })
const putBucket = (Bucket: string, Grants: Grant[], Owner = OWNER) =>
  test.main.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: { Owner, Grants } }))

describe('the ACL of a bucket', () => {
  it('is its owner’s until it is said otherwise', async () => {
    const Bucket = await test.bucket()
    const acl = await test.main.send(new GetBucketAclCommand({ Bucket }))
    expect(acl.Owner).toEqual(OWNER)
    expect(acl.Grants).toEqual([{ Grantee: { ...OWNER, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }])
  })

  it.each([
    ['private', ['main FULL_CONTROL']],
    ['public-read', ['AllUsers READ', 'main FULL_CONTROL']],
    ['public-read-write', ['AllUsers READ', 'AllUsers WRITE', 'main FULL_CONTROL']],
    ['authenticated-read', ['AuthenticatedUsers READ', 'main FULL_CONTROL']],
  ] as const)('can be %s, from its creation or later', async (ACL, expected) => {
    expect(await bucketAcl(await test.bucket({ ACL }))).toEqual(expected)
    const Bucket = await test.bucket()
    await test.main.send(new PutBucketAclCommand({ Bucket, ACL }))
    expect(await bucketAcl(Bucket)).toEqual(expected)
  })

  it.each([
    ['READ', [true, false, false, false]],
    ['WRITE', [false, true, false, false]],
    ['READ_ACP', [false, false, true, false]],
    ['WRITE_ACP', [false, false, false, true]],
    ['FULL_CONTROL', [true, true, true, true]],
  ] as const)('gives another account %s and no more', async (Permission, expected) => {
    const Bucket = await test.bucket()
    await putBucket(Bucket, [{ Grantee: user(otherAccount.canonicalId), Permission }])
    const tries = [
      () => test.other.send(new ListObjectsCommand({ Bucket })),
      () => test.other.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' })),
      () => test.other.send(new GetBucketAclCommand({ Bucket })),
      () => test.other.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })),
    ]
    const results: boolean[] = []
    for (const one of tries) results.push((await refusal(one())) === '200')
    expect(results).toEqual(expected)
    expect(await refusal(test.other.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('403 AccessDenied')
  })

  it('names people by address, and is given by headers', async () => {
    const Bucket = await test.bucket({
      GrantRead: `emailaddress=${otherAccount.user.email}`,
      GrantWriteACP: `uri="${ALL}"`,
    })
    expect(await bucketAcl(Bucket)).toEqual(['AllUsers WRITE_ACP', 'other READ'])
    const Grantee = { Type: 'AmazonCustomerByEmail', EmailAddress: otherAccount.user.email.toUpperCase() } as const
    await putBucket(Bucket, [{ Grantee, Permission: 'READ_ACP' }])
    expect(await bucketAcl(Bucket)).toEqual(['other READ_ACP'])
  })

  it('is refused when it names nobody that there is, another owner, or nothing', async () => {
    const Bucket = await test.bucket()
    const grant = (Grantee: Grant['Grantee']) => refusal(putBucket(Bucket, [{ Grantee, Permission: 'READ' }]))
    expect(await grant(user('nobody'))).toBe('400 InvalidArgument')
    expect(await grant({ Type: 'Group', URI: 'http://example.com' })).toBe('400 InvalidArgument')
    expect(await grant({ Type: 'AmazonCustomerByEmail', EmailAddress: 'no@example.com' })).toBe(
      '400 UnresolvableGrantByEmailAddress',
    )
    expect(await refusal(putBucket(Bucket, [], { ID: 'nobody', DisplayName: '' }))).toBe('403 AccessDenied')
    const raw = async (body: string, headers: Record<string, string> = {}) =>
      outcome(await sendRaw(test.house.s3Url, { method: 'PUT', path: `/${Bucket}`, query: { acl: '' }, body, headers }))
    const policy = (inside: string) => `<AccessControlPolicy>${inside}</AccessControlPolicy>`
    const owner = `<Owner><ID>${OWNER.ID}</ID></Owner>`
    expect(await raw('')).toBe('400 MissingSecurityHeader')
    expect(await raw('', { 'x-amz-acl': 'public-ready' })).toBe('400 InvalidArgument')
    expect(await raw('', { 'x-amz-acl': 'private', 'x-amz-grant-read': `uri=${ALL}` })).toBe('400 InvalidRequest')
    expect(await raw(policy(`${owner}<AccessControlList/>`), { 'x-amz-acl': 'private' })).toBe('400 UnexpectedContent')
    expect(await raw(policy('<AccessControlList/>'))).toBe('400 MalformedACLError')
    expect(await raw(policy(owner))).toBe('400 MalformedACLError')
    expect(await raw(policy(`${owner}<AccessControlList><Grant/></AccessControlList>`))).toBe('400 MalformedACLError')
    expect(await bucketAcl(Bucket)).toEqual(['main FULL_CONTROL'])
  })

  it('can shut out its owner from nothing', async () => {
    const Bucket = await test.bucket()
    await putBucket(Bucket, [])
    expect(await bucketAcl(Bucket)).toEqual([])
    expect(await refusal(test.main.send(new ListObjectsCommand({ Bucket })))).toBe('200')
  })

  it('keeps the bucket that is made again as it is', async () => {
    const Bucket = await test.bucket({ ACL: 'public-read' })
    const again = (headers: Record<string, string>) =>
      sendRaw(test.house.s3Url, { method: 'PUT', path: `/${Bucket}`, headers }).then(outcome)
    expect(await again({ 'x-amz-acl': 'public-read' })).toBe('200')
    expect(await again({})).toBe('409 BucketAlreadyExists')
    expect(await bucketAcl(Bucket)).toEqual(['AllUsers READ', 'main FULL_CONTROL'])
  })
})

describe('anonymous writing', () => {
  it('takes a public bucket, and leaves nobody the owner', async () => {
    const Bucket = await test.bucket({ ACL: 'public-read-write' })
    expect(await test.anonymous('PUT', `/${Bucket}/anon`, 'x')).toBe('200')
    expect(await test.anonymous('GET', `/${Bucket}/anon`)).toBe('403 AccessDenied')
    expect(await test.anonymous('PUT', `/${Bucket}/open`, 'x', { 'x-amz-acl': 'public-read' })).toBe('200')
    expect(await test.anonymous('GET', `/${Bucket}/open`)).toBe('200')
    const form =
      '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nform-f\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nbytes\r\n--x--\r\n'
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    expect(await test.anonymous('POST', `/${Bucket}`, form, headers)).toBe('204')
    const page = await test.main.send(new ListObjectsCommand({ Bucket }))
    expect(page.Contents?.map(({ Key, Owner }) => [Key, Owner?.DisplayName])).toEqual([
      ['anon', 'anonymous'],
      ['cat', 'main'],
      ['form-f', 'anonymous'],
      ['open', 'anonymous'],
    ])
    await test.main.send(new DeleteObjectCommand({ Bucket, Key: 'anon' }))
    expect(await test.anonymous('PUT', `/${await test.bucket()}/anon`, 'x')).toBe('403 AccessDenied')
    expect(await test.anonymous('POST', `/${await test.bucket()}`, form, headers)).toBe('403 AccessDenied')
  })
})

describe('the ACL of an object', () => {
  it.each([
    ['private', ['main FULL_CONTROL']],
    ['public-read', ['AllUsers READ', 'main FULL_CONTROL']],
    ['bucket-owner-full-control', ['main FULL_CONTROL']],
  ] as const)('can be %s from each way of writing it', async (ACL, expected) => {
    const Bucket = await test.bucket()
    await test.main.send(new PutObjectCommand({ Bucket, Key: 'put', Body: 'x', ACL }))
    await test.main.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/cat`, ACL }))
    const upload = await test.main.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ACL }))
    const id = { Bucket, Key: 'parts', UploadId: upload.UploadId }
    const { ETag } = await test.main.send(new UploadPartCommand({ ...id, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await test.main.send(new CompleteMultipartUploadCommand({ ...id, MultipartUpload }))
    await test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL }))
    for (const key of ['put', 'copy', 'parts', 'cat'])
      expect([key, await objectAcl(Bucket, key)]).toEqual([key, expected])
  })

  it('is not given by whom a policy denies it, whose ever the object will be', async () => {
    const statement = (rest: object) => ({ Principal: { AWS: `arn:aws:iam::${otherAccount.id}:root` }, ...rest })
    const denied = { Effect: 'Deny', Action: 's3:PutObjectAcl' }
    const put = (Bucket: string, ACL?: 'private' | 'public-read' | 'bucket-owner-full-control', by = test.other) =>
      refusal(by.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', ...(ACL ? { ACL } : {}) })))
    for (const ObjectOwnership of ['ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced'] as const) {
      const Bucket = await test.bucket({ ObjectOwnership })
      const may = statement({ Action: ['s3:PutObject', 's3:GetObject'] })
      await test.policy(Bucket, may)
      expect([await put(Bucket), await put(Bucket, 'bucket-owner-full-control')]).toEqual(['200', '200'])
      await test.policy(Bucket, may, denied)
      expect([await put(Bucket), await put(Bucket, 'bucket-owner-full-control')]).toEqual(['200', '403 AccessDenied'])
      if (ObjectOwnership === 'BucketOwnerEnforced') continue
      for (const ACL of ['private', 'public-read'] as const) {
        expect(await put(Bucket, ACL)).toBe('403 AccessDenied')
        expect(await put(Bucket, ACL, test.main)).toBe('403 AccessDenied')
        const target = { Bucket, Key: 'new', ACL }
        const copy = new CopyObjectCommand({ ...target, CopySource: `${Bucket}/cat` })
        expect(await refusal(test.other.send(copy))).toBe('403 AccessDenied')
        expect(await refusal(test.other.send(new CreateMultipartUploadCommand(target)))).toBe('403 AccessDenied')
      }
    }
  })

  it('is not copied with the object, and changes neither its bytes nor its date', async () => {
    const Bucket = await test.bucket()
    const before = await test.main.send(new GetObjectCommand({ Bucket, Key: 'cat' }))
    await test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL: 'public-read' }))
    await test.main.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/cat` }))
    expect(await objectAcl(Bucket, 'copy')).toEqual(['main FULL_CONTROL'])
    const after = await test.main.send(new GetObjectCommand({ Bucket, Key: 'cat' }))
    expect([after.ETag, after.LastModified]).toEqual([before.ETag, before.LastModified])
    expect(await after.Body?.transformToString()).toBe('meow')
    expect(await test.anonymous('GET', `/${Bucket}/cat`)).toBe('200')
  })

  it.each([
    ['READ', ['200', '403 AccessDenied', '403 AccessDenied']],
    ['WRITE', ['403 AccessDenied', '403 AccessDenied', '403 AccessDenied']],
    ['READ_ACP', ['403 AccessDenied', '200', '403 AccessDenied']],
    ['WRITE_ACP', ['403 AccessDenied', '403 AccessDenied', '200']],
  ] as const)('gives another account %s and no more', async (Permission, expected) => {
    const Bucket = await test.bucket()
    const Grants = [{ Grantee: user(otherAccount.canonicalId), Permission }]
    await test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', AccessControlPolicy: { Owner: OWNER, Grants } }))
    expect([
      await refusal(test.other.send(new GetObjectCommand({ Bucket, Key: 'cat' }))),
      await refusal(test.other.send(new GetObjectAclCommand({ Bucket, Key: 'cat' }))),
      await refusal(test.other.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL: 'private' }))),
    ]).toEqual(expected)
  })

  it('is of an object that there is', async () => {
    const Bucket = await test.bucket()
    expect(await refusal(test.main.send(new GetObjectAclCommand({ Bucket, Key: 'no' })))).toBe('404 NoSuchKey')
    const put = new PutObjectAclCommand({ Bucket, Key: 'no', ACL: 'private' })
    expect(await refusal(test.main.send(put))).toBe('404 NoSuchKey')
  })
})
