import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UpdateObjectEncryptionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealedLength } from '../../src/envelope/segment.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome } from '../support/raw-s3.ts'
import { makeBucket } from '../support/s3.ts'

type Key = { readonly crn: string; readonly id: string }

let test: ObjectHouse
let keys: KeyOwner
let key: Key
beforeAll(async () => {
  test = await startObjectHouse({ accounts: [mainAccount, otherAccount] })
  keys = await keyOwner(test.controlUrl)
  key = await keys.newKey('invoices', { aliases: ['invoices'] })
  await makeBucket(test.s3, 'customers', (await keys.newKey('of a bucket')).crn)
})
afterAll(() => test[Symbol.asyncDispose]())

const headOf = async (Key: string, Bucket = 'objects') => test.s3.send(new HeadObjectCommand({ Bucket, Key }))
const kms = (SSEKMSKeyId?: string): Partial<PutObjectCommandInput> => ({
  ServerSideEncryption: 'aws:kms',
  ...(SSEKMSKeyId === undefined ? {} : { SSEKMSKeyId }),
})
const SSE = 'x-amz-server-side-encryption'

describe('A root key that the request names', () => {
  it.each([
    ['its CRN', () => key.crn],
    ['its CRN by an alias', () => key.crn.replace(key.id, 'invoices')],
    ['its id', () => key.id],
    ['an alias', () => 'invoices'],
    ['an alias as AWS writes it', () => 'alias/invoices'],
    ['an ARN', () => `arn:aws:kms:us-east-1:${mainAccount.id}:key/${key.id}`],
    ['an ARN of an alias', () => `arn:aws:kms:us-east-1:${mainAccount.id}:alias/invoices`],
  ])('may be named by %s, and is told by that name and its CRN', async (name, nameOf) => {
    const told = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: nameOf() }
    expect(await test.put(name, 'bytes', kms(nameOf()))).toMatchObject(told)
    const reply = await test.raw({ method: 'HEAD', key: encodeURIComponent(name) })
    expect(reply.headers).toMatchObject({
      [SSE]: 'aws:kms',
      [`${SSE}-aws-kms-key-id`]: nameOf(),
      'ibm-sse-kp-customer-root-key-crn': key.crn,
    })
    expect(await test.get(name)).toMatchObject(told)
  })

  it('protects that object and no other: what it refuses is refused, and the bucket serves', async () => {
    const own = await keys.newKey('own')
    await test.put('own', 'secret', kms(own.crn))
    await test.put('usual', 'bytes')
    expect(await keys.registrations(own.id)).toEqual([expect.stringMatching(/:bucket:objects$/)])
    await keys.act(own.id, 'disable')
    await test.settled()
    expect(await refusal(test.get('own'))).toBe('400 KMS.DisabledException')
    expect(await refusal(test.put('another', 'x', kms(own.crn)))).toBe('400 KMS.DisabledException')
    expect((await test.get('usual')).bytes.toString()).toBe('bytes')
    await keys.act(own.id, 'enable')
    await test.settled()
    expect((await test.get('own')).bytes.toString()).toBe('secret')
    expect(await refusal(headOf('another'))).toBe('404 NotFound')
  })

  it('must be one that there is and the caller may use, before anything is stored', async () => {
    const theirs = await (await keyOwner(test.controlUrl, otherAccount)).newKey('theirs', { aliases: ['theirs'] })
    const before = await test.blobs()
    for (const [name, expected] of [
      ['nowhere', '400 KMS.NotFoundException'],
      ['not an alias', '400 KMS.NotFoundException'],
      ['theirs', '400 KMS.NotFoundException'],
      ['11111111-2222-4333-8444-555555555555', '400 KMS.NotFoundException'],
      [key.crn.replace(key.id, '11111111-2222-4333-8444-555555555555'), '400 KMS.NotFoundException'],
      [`arn:aws:kms:eu-west-1:${mainAccount.id}:key/${key.id}`, '400 KMS.NotFoundException'],
      [`arn:aws:kms:us-east-1:${otherAccount.id}:key/${theirs.id}`, '403 AccessDenied'],
      ['crn:v1:nonsense', '400 KMS.NotFoundException'],
      [test.house.objects.buckets.get('objects').rootKeyCrn, '400 KMS.NotFoundException'],
      [theirs.crn, '403 AccessDenied'],
    ] as const) {
      expect(`${name}: ${await refusal(test.put('no', 'x', kms(name)))}`).toBe(`${name}: ${expected}`)
    }
    expect(await test.blobs()).toEqual(before)
  })

  it('of the bucket’s account is none for somebody of another account, who cannot tell whether there is one', async () => {
    const Statement = [
      {
        ...{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${otherAccount.id}:root` }, Action: 's3:*' },
        Resource: ['arn:aws:s3:::customers', 'arn:aws:s3:::customers/*'],
      },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await test.s3.send(new PutBucketPolicyCommand({ Bucket: 'customers', Policy }))
    const disabled = await keys.newKey('disabled', { aliases: ['disabled'] })
    await keys.act(disabled.id, 'disable')
    const missing = '11111111-2222-4333-8444-555555555555'
    const guest = test.client(otherAccount)
    const put = (more: Partial<PutObjectCommandInput> = {}) =>
      guest.send(new PutObjectCommand({ Bucket: 'customers', Key: 'of a guest', Body: 'x', ...more }))
    for (const id of [key.id, disabled.id, missing, 'invoices', 'disabled', 'nowhere']) {
      const none = '400 KMS.NotFoundException'
      const kind = id === key.id || id === disabled.id || id === missing ? 'key' : 'alias'
      const arn = `arn:aws:kms:us-east-1:${mainAccount.id}:${kind}/${id}`
      const update = new UpdateObjectEncryptionCommand({
        ...{ Bucket: 'customers', Key: 'of a guest' },
        ObjectEncryption: { SSEKMS: { KMSKeyArn: key.crn.replace(key.id, id) } },
      })
      expect([
        id,
        await refusal(put(kms(id))),
        await refusal(put(kms(arn))),
        await refusal(put(kms(key.crn.replace(key.id, id)))),
        await refusal(guest.send(update)),
      ]).toEqual([id, none, none, '403 AccessDenied', '400 InvalidRequest'])
    }
    expect(await refusal(put())).toBe('200')
    expect(await refusal(put(kms()))).toBe('200')
    expect(await keys.registrations(key.id)).not.toContainEqual(expect.stringMatching(/:bucket:customers$/))
  })

  it('is the same to a policy by whatever name', async () => {
    const arn = `arn:aws:kms:us-east-1:${mainAccount.id}:key/${key.id}`
    const names = [key.crn, key.id, arn, 'invoices', 'alias/invoices', key.crn.replace(key.id, 'invoices')]
    const others = await keys.newKey('others', { aliases: ['others'] })
    const outcomes = async (operator: string, named: string) => {
      const Condition = { [operator]: { [`s3:${SSE}-aws-kms-key-id`]: named } }
      const Resource = 'arn:aws:s3:::customers/*'
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource, Condition }]
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      await test.s3.send(new PutBucketPolicyCommand({ Bucket: 'customers', Policy }))
      const puts = [...names, 'others'].map((name) =>
        refusal(test.put('k', 'x', { Bucket: 'customers', ...kms(name) })),
      )
      return Promise.all(puts)
    }
    const [no, yes] = ['403 AccessDenied', '200']
    for (const named of [key.crn, arn, key.id]) {
      expect(await outcomes('StringEquals', named)).toEqual([...names.map(() => no), yes])
      expect(await outcomes('StringNotEquals', named)).toEqual([...names.map(() => yes), no])
    }
    expect(await outcomes('StringEquals', others.crn)).toEqual([...names.map(() => yes), no])
    await test.s3.send(new DeleteBucketPolicyCommand({ Bucket: 'customers' }))
  })

  it('is the bucket’s own where that is a customer’s and none is named, or else the account’s', async () => {
    const inTheirs = await test.put('unnamed', 'x', { Bucket: 'customers', ...kms() })
    expect(inTheirs.SSEKMSKeyId).toBe(test.house.objects.buckets.get('customers').rootKeyCrn)
    const { SSEKMSKeyId: name = '' } = await test.put('unnamed', 'x', kms())
    expect(name).toMatch(new RegExp(`^arn:aws:kms:us-east-1:${mainAccount.id}:key/[0-9a-f-]{36}$`))
    for (const same of [
      name,
      name.slice(-36),
      'alias/aws/s3',
      `arn:aws:kms:us-east-1:${mainAccount.id}:alias/aws/s3`,
    ]) {
      expect((await test.put('named', 'y', kms(same))).SSEKMSKeyId).toBe(name)
    }
    expect(await headOf('named')).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: name })
    expect((await test.get('named')).bytes.toString()).toBe('y')
    const other = test.client(otherAccount)
    await makeBucket(other, 'others')
    const put = new PutObjectCommand({ Bucket: 'others', Key: 'k', Body: 'z', ServerSideEncryption: 'aws:kms' })
    expect((await other.send(put)).SSEKMSKeyId).not.toBe(name)
  })

  it('is asked for by copies and uploads, too', async () => {
    await test.put('source', 'bytes')
    const copy = await test.s3.send(
      new CopyObjectCommand({
        ...{ Bucket: 'objects', Key: 'copy', CopySource: 'objects/source' },
        ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'invoices' },
      }),
    )
    expect(copy).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'invoices' })
    expect(await headOf('copy')).toMatchObject({ SSEKMSKeyId: 'invoices' })
    const at = { Bucket: 'objects', Key: 'upload' }
    const begun = await test.s3.send(
      new CreateMultipartUploadCommand({ ...at, ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'invoices' } }),
    )
    const { UploadId } = begun
    const part = await test.s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'part' }))
    const Parts = [{ PartNumber: 1, ETag: part.ETag }]
    const done = await test.s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
    const told = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'invoices' }
    for (const answer of [begun, part, done, await headOf('upload')]) expect(answer).toMatchObject(told)
  })

  it('may wrap a bucket key, when that is asked for', async () => {
    expect(await test.put('with', 'x', { ...kms('invoices'), BucketKeyEnabled: true })).toMatchObject({
      SSEKMSKeyId: 'invoices',
      BucketKeyEnabled: true,
    })
    expect(
      (await test.put('without', 'x', { ...kms('invoices'), BucketKeyEnabled: false })).BucketKeyEnabled,
    ).toBeUndefined()
    expect((await headOf('with')).BucketKeyEnabled).toBe(true)
  })
})

describe('An encryption context', () => {
  const context = Buffer.from(JSON.stringify({ department: 'ten', ö: '☃' })).toString('base64')

  it('is taken, bound and told by the answer to the write', async () => {
    const put = { ...kms('invoices'), SSEKMSEncryptionContext: context }
    expect((await test.put('bound', 'bytes', put)).SSEKMSEncryptionContext).toBe(context)
    expect((await test.get('bound')).bytes.toString()).toBe('bytes')
  })

  it.each([
    ['no base64', 'ä'],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['a list', Buffer.from('["a"]').toString('base64')],
    ['a number as a value', Buffer.from('{"a":1}').toString('base64')],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('base64')],
  ])('is refused when it is %s', async (_, header) => {
    const headers = { [SSE]: 'aws:kms', [`${SSE}-aws-kms-key-id`]: 'invoices', [`${SSE}-context`]: header }
    expect(outcome(await test.raw({ method: 'PUT', key: 'odd', headers, body: 'x' }))).toBe('400 InvalidArgument')
    expect(await refusal(headOf('odd'))).toBe('404 NotFound')
  })
})

describe('aws:kms:dsse', () => {
  it('seals twice, under two keys, and tells so', async () => {
    const content = contentBytes('dsse', 200_000)
    const more = { ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: 'invoices' } as const
    const before = new Set(await test.blobs())
    expect(await test.put('twice', content, more)).toMatchObject(more)
    const [blob] = (await test.blobs()).filter((id) => !before.has(id))
    expect((await test.house.blobs.stat(blob ?? ''))?.lengthBytes).toBe(sealedLength(sealedLength(content.length)))
    expect((await test.get('twice')).bytes.equals(content)).toBe(true)
    const range = await test.get('twice', { Range: 'bytes=65530-131080' })
    expect(range.bytes.equals(content.subarray(65_530, 131_081))).toBe(true)
    expect(await headOf('twice')).toMatchObject(more)
  })

  it('has no bucket key', async () => {
    const put = { ServerSideEncryption: 'aws:kms:dsse', BucketKeyEnabled: true } as const
    expect(await refusal(test.put('no', 'x', put))).toBe('400 InvalidArgument')
  })
})

describe('Headers of encryption that do not fit', () => {
  it.each([
    [{ [SSE]: 'aes:kms' }],
    [{ [SSE]: 'aes256' }],
    [{ [SSE]: '' }],
    [{ [`${SSE}-aws-kms-key-id`]: 'invoices' }],
    [{ [SSE]: 'AES256', [`${SSE}-aws-kms-key-id`]: 'invoices' }],
    [{ [SSE]: 'AES256', [`${SSE}-context`]: 'e30=' }],
  ])('are refused before a byte is stored: %j', async (headers) => {
    const before = await test.blobs()
    expect(outcome(await test.raw({ method: 'PUT', key: 'no', headers, body: 'x' }))).toBe('400 InvalidArgument')
    expect(await test.blobs()).toEqual(before)
  })

  it.each(['GET', 'HEAD'])('are refused by %s, for what is stored is read as it is', async (method) => {
    await test.put('read', 'x', kms('invoices'))
    for (const name of [SSE, `${SSE}-aws-kms-key-id`, `${SSE}-context`]) {
      const reply = await test.raw({ method, key: 'read', headers: { [name]: 'aws:kms' } })
      expect(reply.status).toBe(400)
    }
  })

  it('of a part say nothing: the upload’s own count', async () => {
    const at = { Bucket: 'objects', Key: 'parts' }
    const { UploadId } = await test.s3.send(new CreateMultipartUploadCommand(at))
    const query = { uploadId: UploadId ?? '', partNumber: '1' }
    // The public suite names one that there is not.
    const headers = { [SSE]: 'aws:kms', [`${SSE}-aws-kms-key-id`]: 'nowhere' }
    const part = (more: Record<string, string>) =>
      test.raw({ method: 'PUT', key: 'parts', query, headers: { ...headers, ...more }, body: 'x' })
    const reply = await part({})
    expect([reply.status, reply.headers[SSE]]).toEqual([200, 'AES256'])
    expect(outcome(await part({ [SSE]: 'foo' }))).toBe('400 InvalidArgument')
    const end = { query: { uploadId: UploadId ?? '' }, headers: { [SSE]: 'foo' }, body: '<CompleteMultipartUpload/>' }
    expect(outcome(await test.raw({ method: 'POST', key: 'parts', ...end }))).toBe('400 InvalidArgument')
  })
})
