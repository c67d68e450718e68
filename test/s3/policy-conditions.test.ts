import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutBucketInventoryConfigurationCommand,
  type PutBucketInventoryConfigurationCommandInput,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashOf } from '../../src/base/checksums.ts'
import { iamToken } from '../support/control-api.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const DENIED = '403 AccessDenied'
const Principal = { AWS: `arn:aws:iam::${otherAccount.id}:root` }
const may = (...actions: readonly string[]) => ({ Principal, Action: actions.map((name) => `s3:${name}`) })
const deny = (actions: readonly string[], Condition: object, rest: object = {}) => ({
  ...{ ...may(...actions), Effect: 'Deny', Condition },
  ...rest,
})
/** A request of the other account, signed as it is. */
const raw = async (method: string, path: string, headers: Record<string, string>, query: Record<string, string> = {}) =>
  outcome(await sendRaw(test.house.s3Url, { method, path, headers, query, account: otherAccount, body: '' }))

describe('a condition about Object Lock', () => {
  const days = (count: number) => new Date(Date.now() + count * 86_400_000)

  it('sees what documents say, and no header beside them', async () => {
    const Bucket = await test.bucket({ ObjectLockEnabledForBucket: true })
    const retentions = ['PutObjectRetention', 'PutBucketObjectLockConfiguration', 'BypassGovernanceRetention']
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    await test.policy(
      Bucket,
      { ...may(...retentions, 'PutObjectLegalHold'), Resource },
      deny(retentions, { NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' } }, { Resource }),
      deny(retentions, { StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' } }, { Resource }),
      deny(['PutObjectLegalHold'], { StringEquals: { 's3:object-lock-legal-hold': 'ON' } }),
    )
    const retain = (Mode: 'COMPLIANCE' | 'GOVERNANCE', count: number, rest: object = {}) =>
      new PutObjectRetentionCommand({
        ...{ Bucket, Key: 'cat', Retention: { Mode, RetainUntilDate: days(count) } },
        ...rest,
      })
    expect(await refusal(test.other.send(retain('GOVERNANCE', 300)))).toBe(DENIED)
    expect(await refusal(test.other.send(retain('COMPLIANCE', 5)))).toBe(DENIED)
    expect(await refusal(test.other.send(retain('GOVERNANCE', 5)))).toBe('200')
    expect(await refusal(test.other.send(retain('GOVERNANCE', 4, { BypassGovernanceRetention: true })))).toBe('200')
    const hold = (Status: 'ON' | 'OFF') => new PutObjectLegalHoldCommand({ Bucket, Key: 'cat', LegalHold: { Status } })
    expect([await refusal(test.other.send(hold('ON'))), await refusal(test.other.send(hold('OFF')))]).toEqual([
      DENIED,
      '200',
    ])
    const lock = (Mode: 'COMPLIANCE' | 'GOVERNANCE', Days: number) =>
      new PutObjectLockConfigurationCommand({
        ...{ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } },
        ...{ ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode, Days } } } },
      })
    expect(await refusal(test.other.send(lock('GOVERNANCE', 300)))).toBe(DENIED)
    expect(await refusal(test.other.send(lock('COMPLIANCE', 5)))).toBe(DENIED)
    expect(await refusal(test.other.send(lock('GOVERNANCE', 5)))).toBe('200')
    expect(await refusal(test.main.send(retain('GOVERNANCE', 300)))).toBe('200')
  })
})

describe('a condition about writing', () => {
  it('can ask for If-None-Match of every creation, and of none of the steps before', async () => {
    const Bucket = await test.bucket()
    const blind = { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } }
    await test.policy(Bucket, may('PutObject', 'GetObject', 'DeleteObject'), deny(['PutObject'], blind))
    const put = (Key: string, rest: object = {}) =>
      refusal(test.other.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...rest })))
    expect([await put('cat'), await put('new', { IfNoneMatch: '*' })]).toEqual([DENIED, '200'])
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/cat` }
    expect(await refusal(test.other.send(new CopyObjectCommand(copy)))).toBe(DENIED)
    expect(await refusal(test.other.send(new CopyObjectCommand({ ...copy, IfNoneMatch: '*' })))).toBe('200')
    const rename = { 'x-amz-rename-source': 'copy' }
    expect(await raw('PUT', `/${Bucket}/renamed`, rename, { renameObject: '' })).toBe(DENIED)
    const target = { Bucket, Key: 'parts' }
    const { UploadId } = await test.other.send(new CreateMultipartUploadCommand(target))
    const { ETag } = await test.other.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }))
    const complete = { ...target, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
    expect(await refusal(test.other.send(new CompleteMultipartUploadCommand(complete)))).toBe(DENIED)
    expect(await refusal(test.other.send(new CompleteMultipartUploadCommand({ ...complete, IfNoneMatch: '*' })))).toBe(
      '200',
    )
  })

  it('sees of the parts of an upload, and of its completion, what it was begun with', async () => {
    const Bucket = await test.bucket({ ObjectLockEnabledForBucket: true })
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000) } as const
    /** What a policy demands, what an upload says to that, and what is not enough. */
    const demands: readonly (readonly [object, Partial<CreateMultipartUploadCommandInput>])[] = [
      [{ Null: { 's3:x-amz-server-side-encryption': 'true' } }, { ServerSideEncryption: 'AES256' }],
      [{ StringNotEquals: { 's3:x-amz-server-side-encryption': 'AES256' } }, { ServerSideEncryption: 'AES256' }],
      [{ StringNotEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } }, { ACL: 'bucket-owner-full-control' }],
      [{ StringNotEquals: { 's3:x-amz-storage-class': 'STANDARD' } }, { StorageClass: 'STANDARD' }],
      [{ StringNotEquals: { 's3:RequestObjectTag/kind': 'open' } }, { Tagging: 'kind=open' }],
      [{ 'ForAllValues:StringNotEquals': { 's3:RequestObjectTagKeys': 'kind' } }, { Tagging: 'kind=open' }],
      [{ StringNotEquals: { 's3:object-lock-mode': 'GOVERNANCE' } }, lock],
      [{ NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '9' } }, lock],
      [{ StringNotEquals: { 's3:x-amz-website-redirect-location': '/x' } }, { WebsiteRedirectLocation: '/x' }],
      [{ Null: { 's3:x-amz-server-side-encryption': 'false' } }, {}],
    ]
    const rights = ['PutObject', 'PutObjectTagging', 'PutObjectRetention', 'GetObject', 'PutObjectAcl']
    const target = { Bucket, Key: 'parts' }
    for (const [Condition, said] of demands) {
      await test.policy(Bucket, may(...rights), deny(['PutObject'], Condition))
      const { UploadId } = await test.other.send(new CreateMultipartUploadCommand({ ...target, ...said }))
      const part = { ...target, UploadId, PartNumber: 1 }
      const copied = new UploadPartCopyCommand({ ...part, CopySource: `${Bucket}/cat` })
      expect([Condition, await refusal(test.other.send(copied))]).toEqual([Condition, '200'])
      const { ETag } = await test.other.send(new UploadPartCommand({ ...part, Body: 'x' }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      await test.other.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
    }
  })

  it('sees no header of a part that an upload has from its beginning', async () => {
    const Bucket = await test.bucket()
    const missing = { Null: { 's3:x-amz-server-side-encryption': 'true' } }
    const create = { Bucket, Key: 'parts' }
    await test.policy(Bucket, may('PutObject'))
    const { UploadId = '' } = await test.other.send(new CreateMultipartUploadCommand(create))
    await test.policy(Bucket, may('PutObject'), deny(['PutObject'], missing))
    const part = async (uploadId: string) =>
      outcome(
        await sendRaw(test.house.s3Url, {
          ...{ method: 'PUT', path: `/${Bucket}/parts`, query: { uploadId, partNumber: '1' }, account: otherAccount },
          ...{ headers: { 'x-amz-server-side-encryption': 'AES256' }, body: 'x' },
        }),
      )
    expect(await part(UploadId)).toBe(DENIED)
    // As an earlier release began it, which noted nothing.
    const { objects } = test.house.house
    const [bucket, attributes] = [objects.buckets.get(Bucket), { headers: {}, userMetadata: {} }]
    expect(await part((await objects.createUpload({ bucket, key: 'parts', attributes })).uploadId)).toBe('200')
  })

  it('can ask for If-Match of deletions, be it in a header or a document', async () => {
    const Bucket = await test.bucket()
    await test.policy(
      Bucket,
      may('DeleteObject', 'GetObject'),
      deny(['DeleteObject'], { Null: { 's3:if-match': 'true' } }),
    )
    const { ETag } = await test.main.send(new PutObjectCommand({ Bucket, Key: 'dog', Body: 'x' }))
    const many = async (ETag?: string) => {
      const Delete = { Objects: [{ Key: 'cat', ...(ETag === undefined ? {} : { ETag }) }] }
      const { Errors } = await test.other.send(new DeleteObjectsCommand({ Bucket, Delete }))
      return Errors?.[0]?.Code ?? 'deleted'
    }
    expect([await many(), await many('*')]).toEqual(['AccessDenied', 'deleted'])
    expect(await refusal(test.other.send(new DeleteObjectCommand({ Bucket, Key: 'dog' })))).toBe(DENIED)
    expect(await refusal(test.other.send(new DeleteObjectCommand({ Bucket, Key: 'dog', IfMatch: ETag })))).toMatch(
      /^20/,
    )
  })

  it('that compares what is there needs the right to read it', async () => {
    const Bucket = await test.bucket()
    const rights = ['PutObject', 'DeleteObject', 'ListBucket']
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    const target = { Bucket, Key: 'cat' }
    const { UploadId } = await test.main.send(new CreateMultipartUploadCommand(target))
    const part = await test.main.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    const wrong = '"d41d8cd98f00b204e9800998ecf8427e"'
    const all = async (IfMatch: string) => {
      const copy = { ...target, CopySource: `${Bucket}/source`, IfMatch }
      const many = { Bucket, Delete: { Objects: [{ Key: 'cat', ETag: IfMatch }] } }
      const { Errors } = await test.other.send(new DeleteObjectsCommand(many))
      return [
        Errors?.[0]?.Code,
        await refusal(test.other.send(new PutObjectCommand({ ...target, Body: 'x', IfMatch }))),
        await refusal(test.other.send(new PutObjectCommand({ ...target, Body: 'x', IfNoneMatch: IfMatch }))),
        await refusal(test.other.send(new DeleteObjectCommand({ ...target, IfMatch }))),
        await refusal(
          test.other.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload, IfMatch })),
        ),
        await refusal(test.other.send(new CopyObjectCommand(copy))),
        await raw('DELETE', `/${Bucket}/cat`, { 'x-amz-if-match-size': '99' }),
      ]
    }
    await test.main.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'x' }))
    const source = { ...may('GetObject'), Resource: `arn:aws:s3:::${Bucket}/source` }
    await test.policy(Bucket, { ...may(...rights), Resource }, source)
    expect(await all(wrong)).toEqual(['AccessDenied', DENIED, DENIED, DENIED, DENIED, DENIED, DENIED])
    // Whether there is anything at all is known to everyone who writes.
    const blind = new PutObjectCommand({ ...target, Body: 'x', IfNoneMatch: '*' })
    expect(await refusal(test.other.send(blind))).toBe('412 PreconditionFailed')
    await test.policy(Bucket, { ...may(...rights, 'GetObject'), Resource })
    const failed = '412 PreconditionFailed'
    expect(await all(wrong)).toEqual([
      'PreconditionFailed',
      failed,
      '200',
      failed,
      failed,
      failed,
      '412 PreconditionFailed',
    ])
    expect(await refusal(test.other.send(new DeleteObjectCommand({ ...target, IfMatch: '*' })))).toMatch(/^20/)
  })

  it('sees the tags that a request gives, and none that it only names', async () => {
    const Bucket = await test.bucket()
    const TagSet = [{ Key: 'class', Value: 'secret' }]
    await test.main.send(new PutObjectTaggingCommand({ Bucket, Key: 'cat', Tagging: { TagSet } }))
    const isPublic = { Condition: { StringEquals: { 's3:RequestObjectTag/class': 'public' } } }
    await test.policy(Bucket, may('GetObject', 'GetObjectTagging', 'DeleteObject'), {
      ...may('PutObject', 'PutObjectTagging'),
      ...isPublic,
    })
    const copy = (rest: object) =>
      refusal(test.other.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/cat`, ...rest })))
    const Tagging = 'class=public'
    expect(await copy({ TaggingDirective: 'COPY', Tagging })).toBe(DENIED)
    expect(await copy({ Tagging })).toBe(DENIED)
    expect(await copy({ TaggingDirective: 'REPLACE', Tagging })).toBe('200')
    const rename = { 'x-amz-rename-source': 'cat', 'x-amz-tagging': Tagging }
    expect(await raw('PUT', `/${Bucket}/renamed`, rename, { renameObject: '' })).toBe(DENIED)
    expect(await refusal(test.other.send(new PutObjectCommand({ Bucket, Key: 'put', Body: 'x', Tagging })))).toBe('200')
  })

  it('sees the tags of the bucket, of its objects too, and those that it is to have', async () => {
    const Bucket = await test.bucket()
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]
    const tagBucket = (client: S3Client, Value: string) =>
      refusal(client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'env', Value }] } })))
    const get = (Key: string) => refusal(test.other.send(new GetObjectCommand({ Bucket, Key })))
    await test.policy(
      Bucket,
      { ...may('GetObject', 'ListBucket', 'PutBucketTagging'), Resource },
      deny(['GetObject'], { StringEquals: { 'aws:ResourceTag/env': 'prod' } }),
      deny(['PutBucketTagging'], { StringEquals: { 'aws:RequestTag/env': 'prod' } }, { Resource }),
    )
    await test.main.send(
      new PutObjectTaggingCommand({ Bucket, Key: 'cat', Tagging: { TagSet: [{ Key: 'env', Value: 'prod' }] } }),
    )
    expect([await get('cat'), await get('none')]).toEqual(['200', '404 NoSuchKey'])
    expect([await tagBucket(test.other, 'prod'), await tagBucket(test.other, 'test')]).toEqual([DENIED, '200'])
    expect([await get('cat'), await get('none')]).toEqual(['200', '404 NoSuchKey'])
    await tagBucket(test.main, 'prod')
    expect([await get('cat'), await get('none')]).toEqual([DENIED, DENIED])
    const keys = { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['env'] } }
    await test.policy(Bucket, { ...may('PutBucketTagging'), Resource }, deny(['PutBucketTagging'], keys, { Resource }))
    expect(await tagBucket(test.other, 'test')).toBe(DENIED)
  })

  it('sees a listing’s prefix in listings alone', async () => {
    const Bucket = await test.bucket()
    await test.policy(Bucket, { Condition: { StringEquals: { 's3:prefix': 'x' } } })
    expect(await test.anonymous('GET', `/${Bucket}/cat?prefix=x`)).toBe(DENIED)
  })

  it('sees which columns an inventory is to have', async () => {
    const Bucket = await test.bucket()
    const inventory = (OptionalFields: ('Size' | 'ETag')[]): PutBucketInventoryConfigurationCommandInput => ({
      ...{ Bucket, Id: 'i' },
      InventoryConfiguration: {
        ...{ Id: 'i', IsEnabled: false, IncludedObjectVersions: 'Current', Schedule: { Frequency: 'Daily' } },
        ...{
          OptionalFields,
          Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${Bucket}`, Format: 'CSV' } },
        },
      },
    })
    const only = { 'ForAnyValue:StringEquals': { 's3:InventoryAccessibleOptionalFields': 'ETag' } }
    const Resource = `arn:aws:s3:::${Bucket}`
    const denied = { Effect: 'Deny', Action: 's3:PutInventoryConfiguration', Resource, Condition: only }
    await test.policy(Bucket, denied)
    const put = (fields: ('Size' | 'ETag')[]) =>
      refusal(test.main.send(new PutBucketInventoryConfigurationCommand(inventory(fields))))
    expect([await put(['Size', 'ETag']), await put(['Size'])]).toEqual([DENIED, '200'])
  })
})

describe('a condition about the source of a copy', () => {
  /** Whose source the other account may read only when a request of reading would say this, and anything of which it may write. */
  const where = async (Condition: object, Source: Partial<PutObjectCommand['input']> = {}) => {
    const [from, to] = [await test.bucket(), await test.bucket()]
    await test.main.send(new PutObjectCommand({ Bucket: from, Key: 'cat', Body: 'meow', ...Source }))
    await test.policy(from, { ...may('GetObject', 'GetObjectTagging'), Condition })
    await test.policy(to, may('PutObject', 'PutObjectTagging', 'PutObjectAcl', 'ListMultipartUploadParts'))
    const copy = (rest: Partial<CopyObjectCommand['input']>) =>
      refusal(test.other.send(new CopyObjectCommand({ Bucket: to, Key: 'copy', CopySource: `${from}/cat`, ...rest })))
    const copyPart = async (rest: Partial<CreateMultipartUploadCommandInput>, part: object = {}) => {
      const upload = { Bucket: to, Key: 'parts' }
      const { UploadId } = await test.other.send(new CreateMultipartUploadCommand({ ...upload, ...rest }))
      const source = { CopySource: `${from}/cat`, UploadId, PartNumber: 1 }
      return refusal(test.other.send(new UploadPartCopyCommand({ ...upload, ...source, ...part })))
    }
    return { copy, copyPart }
  }

  it.each([
    [{ StringEquals: { 's3:x-amz-server-side-encryption': 'AES256' } }, { ServerSideEncryption: 'AES256' }],
    [{ StringEquals: { 's3:x-amz-storage-class': 'STANDARD' } }, { StorageClass: 'STANDARD' }],
    [{ StringEquals: { 's3:x-amz-acl': 'private' } }, { ACL: 'private' }],
    [{ StringEquals: { 's3:RequestObjectTag/a': 'b' } }, { Tagging: 'a=b', TaggingDirective: 'REPLACE' }],
    [{ Null: { 's3:RequestObjectTagKeys': 'false' } }, { Tagging: 'a=b', TaggingDirective: 'REPLACE' }],
  ] as const)('%j is not met by what the copy is to be', async (condition, said) => {
    const { copy, copyPart } = await where(condition)
    expect([await copy(said), await copyPart(said)]).toEqual([DENIED, DENIED])
  })

  it('sees the key of the source, and not that of the copy', async () => {
    const key = (byte: number) => {
      const bytes = Buffer.alloc(32, byte)
      return [bytes.toString('base64'), hashOf('md5', bytes).toString('base64')] as const
    }
    const [[there, thereMd5], [here, hereMd5]] = [key(1), key(2)]
    const ofCopy = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: here, SSECustomerKeyMD5: hereMd5 }
    const ofSource = {
      ...{ CopySourceSSECustomerAlgorithm: 'AES256', CopySourceSSECustomerKey: there },
      CopySourceSSECustomerKeyMD5: thereMd5,
    }
    const condition = { StringEquals: { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' } }
    const plain = await where(condition)
    expect([await plain.copy(ofCopy), await plain.copyPart(ofCopy, ofCopy)]).toEqual([DENIED, DENIED])
    const sealed = await where(condition, {
      ...{ SSECustomerAlgorithm: 'AES256', SSECustomerKey: there, SSECustomerKeyMD5: thereMd5 },
    })
    expect([await sealed.copy(ofSource), await sealed.copyPart({}, ofSource)]).toEqual(['200', '200'])
  })
})

it('tags of a version are copied by whom may read those of versions', async () => {
  const Bucket = await test.bucket()
  await test.main.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const { VersionId } = await test.main.send(new PutObjectCommand({ Bucket, Key: 'v', Body: 'x', Tagging: 'a=b' }))
  const rights = ['GetObject', 'GetObjectVersion', 'PutObject', 'PutObjectTagging']
  const copy = (version = '') =>
    refusal(test.other.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/v${version}` })))
  await test.policy(Bucket, may(...rights, 'GetObjectTagging'))
  expect([await copy(), await copy(`?versionId=${VersionId}`)]).toEqual(['200', DENIED])
  await test.policy(Bucket, may(...rights, 'GetObjectVersionTagging'))
  expect([await copy(), await copy(`?versionId=${VersionId}`)]).toEqual([DENIED, '200'])
  const { TagSet } = await test.main.send(new GetObjectTaggingCommand({ Bucket, Key: 'copy' }))
  expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }])
})

it('a signature is none where nothing was signed', async () => {
  const Bucket = await test.bucket()
  const V4 = { 's3:signatureversion': 'AWS4-HMAC-SHA256' }
  await test.policy(Bucket, { Action: 's3:PutObject', Condition: { StringEquals: V4 } })
  const form = new FormData()
  form.set('key', 'form')
  form.set('file', 'bytes')
  expect((await fetch(`${test.house.s3Url}/${Bucket}`, { method: 'POST', body: form })).status).toBe(403)
  expect(await test.anonymous('PUT', `/${Bucket}/put`, 'x')).toBe(DENIED)
  await test.policy(Bucket, { Effect: 'Deny', Condition: { StringNotEquals: V4 } })
  const authorization = `Bearer ${await iamToken(test.house.controlUrl)}`
  expect((await fetch(`${test.house.s3Url}/${Bucket}/cat`, { headers: { authorization } })).status).toBe(403)
})
