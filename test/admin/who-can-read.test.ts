import { AttachUserPolicyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let rootKey: { readonly crn: string; readonly id: string }
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  rootKey = await keys.newKey('finance')
})
afterAll(() => test[Symbol.asyncDispose]())

interface Reader {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly reads: string
}
const explain = async (bucket: string, more = '') => {
  const { status, json } = await keys.call('GET', `/admin/v1/buckets/${bucket}/who-can-read${more}`)
  expect([status, json]).toEqual([200, json])
  const readers: readonly Reader[] = json.readers
  return { ...json, named: (name: string) => readers.find((one) => one.name === name) }
}

describe('Who can read a bucket', () => {
  it('is told of each user with what decided, and with the authorization and state of the root key', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'explained' }))
    const to = { encryption: 'customer-managed', rootKeyCrn: rootKey.crn }
    await keys.call('PUT', '/admin/v1/buckets/explained/encryption', to)
    await s3.send(new PutObjectCommand({ Bucket: 'explained', Key: 'k', Body: 'x' }))
    const { json } = await keys.call('GET', `/v1/policies?account_id=${mainAccount.id}&type=authorization`)
    const [{ id: policyId }] = json.policies
    const usual = await explain('explained')
    expect(usual.named('Main user')).toMatchObject({
      ...{ kind: 'user', id: mainAccount.user.iamId, reads: 'all', readable: 'yes' },
      decidedBy: { kind: 'role', role: 'Manager' },
    })
    expect(usual.anybody).toMatchObject({ reads: 'none', readable: 'no', reason: 'anonymous' })
    expect(usual.rootKeys).toMatchObject([
      {
        ...{ crn: rootKey.crn, name: 'finance', state: 'active', current: true, opens: true },
        authorization: { granted: true, decidedBy: { kind: 'authorization', policyId } },
      },
    ])

    const restore = await keys.withdrawAuthorizations()
    const withdrawn = await explain('explained')
    expect(withdrawn.rootKeys).toMatchObject([
      { opens: false, refusal: 'KeyAccessDenied', authorization: { granted: false } },
    ])
    expect(withdrawn.named('Main user')).toMatchObject({ reads: 'all', readable: 'no' })
    await restore()
    await keys.act(rootKey.id, 'disable')
    const disabled = await explain('explained', '?key=k')
    expect(disabled.rootKeys).toMatchObject([{ opens: false, refusal: 'RootKeyDisabled', state: 'suspended' }])
    expect(disabled.named('Main user')).toMatchObject({ reads: 'all', readable: 'no' })
    await keys.act(rootKey.id, 'enable')
    expect((await explain('explained', '?key=k')).named('Main user')).toMatchObject({ readable: 'yes' })
  })

  it('tells what the policies of bucket and user give of it, and what they keep', async () => {
    const iam = new IAMClient({
      ...{ endpoint: test.s3Url, region: 'us-east-1' },
      credentials: {
        accessKeyId: mainAccount.user.accessKeyId,
        secretAccessKey: mainAccount.user.secretAccessKey,
      },
    })
    for (const UserName of ['nothing', 'all', 'some', 'kept-out']) await iam.send(new CreateUserCommand({ UserName }))
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'
    for (const UserName of ['all', 'kept-out']) await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
    const Statement = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::shared/2026/*' }]
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
    await iam.send(new PutUserPolicyCommand({ UserName: 'some', PolicyName: 'reading', PolicyDocument }))
    iam.destroy()

    await s3.send(new CreateBucketCommand({ Bucket: 'shared' }))
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket: 'shared' }))
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Sid: 'site', Effect: 'Allow', Principal: '*', Action: 's3:GetObject' },
          Resource: 'arn:aws:s3:::shared/site/*',
        },
        {
          ...{ Sid: 'out', Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::shared/*' },
          Principal: { AWS: `arn:aws:iam::${mainAccount.id}:user/kept-out` },
        },
        {
          ...{ Sid: 'partner', Effect: 'Allow', Action: 's3:Get*', Resource: 'arn:aws:s3:::shared/*' },
          Principal: { AWS: otherAccount.id },
          Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
        },
      ],
    })
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'shared', Policy }))
    const found = await explain('shared')
    expect(found.named('nothing')).toMatchObject({
      ...{ kind: 'iam-user', reads: 'some', only: ['site/*'] },
      decidedBy: { kind: 'bucket-policy', name: 'site' },
    })
    expect(found.named('all')).toMatchObject({ reads: 'all', decidedBy: { kind: 'identity-policy' } })
    expect(found.named('some')).toMatchObject({ reads: 'some', only: ['site/*', '2026/*'] })
    expect(found.named('kept-out')).toMatchObject({ reads: 'none', reason: 'bucket policy out' })
    expect(found.anybody).toMatchObject({ reads: 'some', only: ['site/*'], readable: 'yes' })
    expect(found.shares).toMatchObject({
      policy: 'readable',
      statements: [
        { name: 'site', effect: 'Allow', principals: ['*'], resources: ['arn:aws:s3:::shared/site/*'] },
        { name: 'out', effect: 'Deny' },
        { name: 'partner', principals: [otherAccount.id], conditions: ['aws:sourceip'] },
      ],
    })
    // Nobody of the other account is named, however it was let in.
    expect(JSON.stringify(found)).not.toContain(otherAccount.user.iamId)

    await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: 'site/index.html', Body: 'x' }))
    const ofOne = await explain('shared', '?key=site%2Findex.html')
    expect([ofOne.anybody.reads, ofOne.named('nothing')?.reads]).toEqual(['all', 'all'])
    await s3.send(new DeleteObjectCommand({ Bucket: 'shared', Key: 'site/index.html' }))
    const gone = await keys.call('GET', '/admin/v1/buckets/shared/who-can-read?key=site%2Findex.html')
    expect(gone.json.error.code).toBe('NoSuchKey')
    const page = await explain('shared', '?offset=1&limit=2')
    expect(page.readers).toEqual(found.readers.slice(1, 3))
    expect(page.total).toBe(found.readers.length)
  })
})
