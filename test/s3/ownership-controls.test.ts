import {
  CreateBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ObjectOwnership,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
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

const MAIN = mainAccount.id
const OTHER = otherAccount.canonicalId
const set = (Bucket: string, ObjectOwnership: ObjectOwnership) =>
  test.main.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }))
const told = async (Bucket: string) =>
  (await test.main.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules?.[0]
    ?.ObjectOwnership
/** Written by the other account: who owns it by its ACL, which its owner reads. */
async function ownerOf(Bucket: string, ACL?: 'bucket-owner-full-control'): Promise<string | undefined> {
  await test.other.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x', ...(ACL ? { ACL } : {}) }))
  const page = await test.main.send(new ListObjectsV2Command({ Bucket, Prefix: 'theirs', FetchOwner: true }))
  return page.Contents?.[0]?.Owner?.ID
}
const open = (bucket: string) =>
  test.policy(bucket, { Action: '*', Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`] })

describe('ownership controls', () => {
  it('are set, told and removed', async () => {
    const Bucket = await test.bucket()
    expect(await refusal(told(Bucket))).toBe('404 OwnershipControlsNotFoundError')
    for (const ownership of ['BucketOwnerPreferred', 'ObjectWriter', 'BucketOwnerEnforced'] as const) {
      await set(Bucket, ownership)
      expect(await told(Bucket)).toBe(ownership)
    }
    await test.main.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
    expect(await refusal(told(Bucket))).toBe('404 OwnershipControlsNotFoundError')
    const query = { ownershipControls: '' }
    for (const body of [
      '',
      '<OwnershipControls/>',
      '<OwnershipControls><Rule><ObjectOwnership>x</ObjectOwnership></Rule></OwnershipControls>',
    ]) {
      const reply = await sendRaw(test.house.s3Url, { method: 'PUT', path: `/${Bucket}`, query, body })
      expect(outcome(reply)).toBe('400 MalformedXML')
    }
  })

  it('are given with a new bucket', async () => {
    for (const ObjectOwnership of ['BucketOwnerPreferred', 'ObjectWriter', 'BucketOwnerEnforced'] as const) {
      expect(await told(await test.bucket({ ObjectOwnership }))).toBe(ObjectOwnership)
    }
    const create = new CreateBucketCommand({
      Bucket: 'public-enforced',
      ObjectOwnership: 'BucketOwnerEnforced',
      ACL: 'public-read',
    })
    expect(await refusal(test.main.send(create))).toBe('400 InvalidBucketAclWithObjectOwnership')
  })

  it('decide whose an object of another account is', async () => {
    const Bucket = await test.bucket()
    await open(Bucket)
    await set(Bucket, 'ObjectWriter')
    expect([await ownerOf(Bucket), await ownerOf(Bucket, 'bucket-owner-full-control')]).toEqual([OTHER, OTHER])
    await set(Bucket, 'BucketOwnerPreferred')
    expect([await ownerOf(Bucket), await ownerOf(Bucket, 'bucket-owner-full-control')]).toEqual([OTHER, MAIN])
    await set(Bucket, 'BucketOwnerEnforced')
    expect([await ownerOf(Bucket), await ownerOf(Bucket, 'bucket-owner-full-control')]).toEqual([MAIN, MAIN])
  })

  it('keep an object of another account from the owner of its bucket, until they enforce it', async () => {
    const Bucket = await test.bucket()
    await open(Bucket)
    await set(Bucket, 'ObjectWriter')
    await test.other.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }))
    const mine = async () => [
      await refusal(test.main.send(new GetObjectCommand({ Bucket, Key: 'theirs' }))),
      await refusal(test.main.send(new GetObjectAclCommand({ Bucket, Key: 'theirs' }))),
    ]
    expect(await mine()).toEqual(['403 AccessDenied', '403 AccessDenied'])
    expect(await test.anonymous('GET', `/${Bucket}/theirs`)).toBe('403 AccessDenied')
    await test.other.send(new PutObjectAclCommand({ Bucket, Key: 'theirs', ACL: 'bucket-owner-read' }))
    expect(await mine()).toEqual(['200', '403 AccessDenied'])
    await test.other.send(new PutObjectAclCommand({ Bucket, Key: 'theirs', ACL: 'private' }))
    await set(Bucket, 'BucketOwnerEnforced')
    expect(await mine()).toEqual(['200', '200'])
  })

  it('that enforce the owner refuse ACLs, and are refused over one', async () => {
    const Bucket = await test.bucket({ ACL: 'public-read' })
    expect(await refusal(set(Bucket, 'BucketOwnerEnforced'))).toBe('400 InvalidBucketAclWithObjectOwnership')
    await test.main.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
    await set(Bucket, 'BucketOwnerEnforced')
    const refused = '400 AccessControlListNotSupported'
    const bucketAcl = (ACL: 'private' | 'public-read') => test.main.send(new PutBucketAclCommand({ Bucket, ACL }))
    const objectAcl = (ACL: 'private' | 'public-read') =>
      test.main.send(new PutObjectAclCommand({ Bucket, Key: 'cat', ACL }))
    await test.main.send(new PutObjectCommand({ Bucket, Key: 'cat', Body: 'x' }))
    expect(await refusal(bucketAcl('public-read'))).toBe(refused)
    expect(await refusal(objectAcl('public-read'))).toBe(refused)
    expect(await refusal(bucketAcl('private'))).toBe('200')
    expect(await refusal(objectAcl('private'))).toBe('200')
    // From others S3 takes none at all.
    const Principal = { AWS: `arn:aws:iam::${otherAccount.id}:root` }
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    await test.policy(Bucket, { Principal, Action: ['s3:PutBucketAcl', 's3:PutObjectAcl'], Resource })
    const [ofBucket, ofObject] = [
      { Bucket, ACL: 'private' as const },
      { Bucket, Key: 'cat', ACL: 'private' as const },
    ]
    expect(await refusal(test.other.send(new PutBucketAclCommand(ofBucket)))).toBe(refused)
    expect(await refusal(test.other.send(new PutObjectAclCommand(ofObject)))).toBe(refused)
    const put = (input: object) =>
      refusal(test.main.send(new PutObjectCommand({ Bucket, Key: 'cat', Body: 'x', ...input })))
    expect(await put({ ACL: 'public-read' })).toBe(refused)
    expect(await put({ ACL: 'private' })).toBe('200')
    expect(await put({ GrantRead: `id=${MAIN}` })).toBe(refused)
    expect(await put({ GrantFullControl: `id=${MAIN}` })).toBe('200')
  })

  it('are those of AWS in a bucket that says nothing', async () => {
    await using closed = await startSharedHouse('aws')
    const Bucket = await closed.bucket()
    const { OwnershipControls: controls } = await closed.main.send(new GetBucketOwnershipControlsCommand({ Bucket }))
    expect(controls?.Rules).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }])
    const create = new CreateBucketCommand({ Bucket: 'open', ObjectOwnership: 'ObjectWriter', ACL: 'public-read' })
    expect(await refusal(closed.main.send(create))).toBe('400 InvalidBucketAclWithBlockPublicAccessError')
  })
})
