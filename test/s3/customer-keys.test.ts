import { createHash } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  UpdateObjectEncryptionCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { keyOwner } from '../support/keys.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'
import { makeBucket, takeCustomerKeys } from '../support/s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  await takeCustomerKeys(test.s3, 'objects')
})
afterAll(() => test[Symbol.asyncDispose]())

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64')
const secret = (byte: number) => Buffer.alloc(32, byte)
/** As the SDK takes it: it sends base64 and MD5 itself. */
const withKey = (byte: number) => ({
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: secret(byte).toString('base64'),
  SSECustomerKeyMD5: md5(secret(byte)),
})
const ofSource = (byte: number) => ({
  CopySourceSSECustomerAlgorithm: 'AES256',
  CopySourceSSECustomerKey: secret(byte).toString('base64'),
  CopySourceSSECustomerKeyMD5: md5(secret(byte)),
})
const told = (byte: number) => ({ SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: md5(secret(byte)) })
const headOf = (Key: string, more: object = {}) =>
  test.s3.send(new HeadObjectCommand({ Bucket: 'objects', Key, ...more }))
const NAMES = 'x-amz-server-side-encryption-customer-'
const headers = (byte: number) => ({
  [`${NAMES}algorithm`]: 'AES256',
  [`${NAMES}key`]: secret(byte).toString('base64'),
  [`${NAMES}key-md5`]: md5(secret(byte)),
})

describe('An object with its customer’s key', () => {
  it.each([0, 1, 65_536, 300_001])('of %i bytes is read with that key, whole and in ranges', async (size) => {
    const content = contentBytes('sse-c', size)
    const put = await test.put('secret', content, withKey(1))
    expect(put).toMatchObject(told(1))
    expect(put.ServerSideEncryption).toBeUndefined()
    expect(put.ETag).not.toBe(`"${createHash('md5').update(content).digest('hex')}"`)
    const got = await test.get('secret', withKey(1))
    expect(got.bytes.equals(content)).toBe(true)
    expect(got).toMatchObject({ ...told(1), ETag: put.ETag })
    if (size > 1) {
      const range = await test.get('secret', { ...withKey(1), Range: 'bytes=1-70000' })
      expect(range.bytes.equals(content.subarray(1, 70_001))).toBe(true)
    }
    expect(await headOf('secret', withKey(1))).toMatchObject({ ...told(1), ContentLength: size, ETag: put.ETag })
    const listed = await test.s3.send(new ListObjectsV2Command({ Bucket: 'objects', Prefix: 'secret' }))
    expect(listed.Contents).toMatchObject([{ Size: size, ETag: put.ETag }])
  })

  it('is not read without it, nor with another; and one without it not with one', async () => {
    await test.put('secret', 'x', withKey(1))
    await test.put('open', 'y')
    expect(await refusal(test.get('secret'))).toBe('400 InvalidRequest')
    expect(await refusal(test.get('secret', withKey(2)))).toBe('403 AccessDenied')
    expect(await refusal(test.get('open', withKey(1)))).toBe('400 InvalidRequest')
    expect((await test.raw({ method: 'HEAD', key: 'secret' })).status).toBe(400)
    expect((await test.raw({ method: 'HEAD', key: 'secret', headers: headers(2) })).status).toBe(403)
    const attributes = { Bucket: 'objects', Key: 'secret', ObjectAttributes: ['ObjectSize' as const] }
    expect(await refusal(test.s3.send(new GetObjectAttributesCommand(attributes)))).toBe('400 InvalidRequest')
    const known = await test.s3.send(new GetObjectAttributesCommand({ ...attributes, ...withKey(1) }))
    expect(known.ObjectSize).toBe(1)
  })

  it.each([
    ['no algorithm', { [`${NAMES}algorithm`]: undefined }, '400 InvalidArgument'],
    ['another algorithm', { [`${NAMES}algorithm`]: 'AES128' }, '400 InvalidEncryptionAlgorithmError'],
    ['no key', { [`${NAMES}key`]: undefined }, '400 InvalidArgument'],
    ['no MD5', { [`${NAMES}key-md5`]: undefined }, '400 InvalidArgument'],
    ['a short key', { [`${NAMES}key`]: Buffer.alloc(16).toString('base64') }, '400 InvalidArgument'],
    ['a key that is no base64', { [`${NAMES}key`]: '?'.repeat(44) }, '400 InvalidArgument'],
    ['another MD5', { [`${NAMES}key-md5`]: md5(secret(9)) }, '400 InvalidArgument'],
    ['an encryption by name too', { 'x-amz-server-side-encryption': 'AES256' }, '400 InvalidArgument'],
    ['a root key too', { 'x-amz-server-side-encryption': 'aws:kms' }, '400 InvalidArgument'],
  ])('is refused with %s, before a byte is stored and without the key in the answer', async (_, change, expected) => {
    const before = await test.blobs()
    const sent = Object.entries({ ...headers(1), ...change }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
    const reply = await test.raw({ method: 'PUT', key: 'no', headers: Object.fromEntries(sent), body: 'x' })
    expect(outcome(reply)).toBe(expected)
    expect(reply.body.toString()).not.toContain(secret(1).toString('base64'))
    expect(await test.blobs()).toEqual(before)
  })

  it('is copied with the key of its source to another key, or to none', async () => {
    await test.put('source', 'bytes', withKey(1))
    const copy = (Key: string, more: object) =>
      test.s3.send(new CopyObjectCommand({ Bucket: 'objects', Key, CopySource: 'objects/source', ...more }))
    expect(await refusal(copy('copy', {}))).toBe('400 InvalidRequest')
    expect(await refusal(copy('copy', ofSource(2)))).toBe('403 AccessDenied')
    expect(await copy('copy', { ...ofSource(1), ...withKey(2) })).toMatchObject(told(2))
    expect((await test.get('copy', withKey(2))).bytes.toString()).toBe('bytes')
    await copy('open', ofSource(1))
    expect((await test.get('open')).bytes.toString()).toBe('bytes')
    // Another key is a change, so a copy to itself is one.
    await copy('source', { ...ofSource(1), ...withKey(3) })
    expect((await test.get('source', withKey(3))).bytes.toString()).toBe('bytes')
  })

  it('may be an upload: every step takes the key', async () => {
    const at = { Bucket: 'objects', Key: 'upload' }
    const begun = await test.s3.send(new CreateMultipartUploadCommand({ ...at, ...withKey(1), Metadata: { a: 'b' } }))
    expect(begun).toMatchObject(told(1))
    const { UploadId } = begun
    const Body = contentBytes('first', 5 * 1024 ** 2)
    const part = (more: object) =>
      test.s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body, ...more }))
    expect(await refusal(part({}))).toBe('400 InvalidRequest')
    expect(await refusal(part(withKey(2)))).toBe('400 InvalidRequest')
    const first = await part(withKey(1))
    expect(first).toMatchObject(told(1))
    expect((await part(withKey(1))).ETag).toBe(first.ETag)
    await test.put('source', 'tail', withKey(2))
    const second = await test.s3.send(
      new UploadPartCopyCommand({
        ...{ ...at, UploadId, PartNumber: 2, CopySource: 'objects/source' },
        ...withKey(1),
        ...ofSource(2),
      }),
    )
    expect(second).toMatchObject(told(1))
    const Parts = [
      { PartNumber: 1, ETag: first.ETag },
      { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
    ]
    const complete = (more: object) =>
      test.s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts }, ...more }))
    expect(await refusal(complete({}))).toBe('400 InvalidRequest')
    expect(await refusal(complete(withKey(2)))).toBe('400 InvalidRequest')
    expect((await complete(withKey(1))).ETag).toMatch(/-2"$/)
    const got = await test.get('upload', withKey(1))
    expect(got.bytes.equals(Buffer.concat([Body, Buffer.from('tail')]))).toBe(true)
    expect(got.Metadata).toEqual({ a: 'b' })
    expect(await refusal(test.get('upload'))).toBe('400 InvalidRequest')
  })

  it('is not put under another root key by UpdateObjectEncryption', async () => {
    const key = await (await keyOwner(test.controlUrl)).newKey('update')
    await test.put('secret', 'x', withKey(1))
    const update = new UpdateObjectEncryptionCommand({
      ...{ Bucket: 'objects', Key: 'secret' },
      ObjectEncryption: { SSEKMS: { KMSKeyArn: key.crn } },
    })
    expect(await refusal(test.s3.send(update))).toBe('400 InvalidRequest')
    expect(await headOf('secret', withKey(1))).toMatchObject(told(1))
  })

  it('is refused in a bucket that is under a root key of its customer', async () => {
    const key = await (await keyOwner(test.controlUrl)).newKey('bucket')
    await makeBucket(test.s3, 'theirs', key.crn)
    const put = test.put('k', 'x', { Bucket: 'theirs', ...withKey(1) })
    await expect(put).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'SSE-C is not supported on a bucket that is encrypted with a Key Protect root key.',
    })
  })

  it('is refused in a new bucket until its owner takes it, as by AWS; not in a classic one', async () => {
    await makeBucket(test.s3, 'new')
    const put = () => refusal(test.put('k', 'x', { Bucket: 'new', ...withKey(1) }))
    expect(await put()).toBe('403 AccessDenied')
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } } as const
    const ServerSideEncryptionConfiguration = { Rules: [rule] }
    await test.s3.send(new PutBucketEncryptionCommand({ Bucket: 'new', ServerSideEncryptionConfiguration }))
    await test.s3.send(new DeleteBucketEncryptionCommand({ Bucket: 'new' }))
    expect(await put()).toBe('403 AccessDenied')
    await takeCustomerKeys(test.s3, 'new')
    expect(await put()).toBe('200')
    await test.s3.send(new DeleteBucketEncryptionCommand({ Bucket: 'new' }))
    expect(await put()).toBe('200')
    await using classic = await startObjectHouse({ settings: { COFFER_S3_BUCKET_DEFAULTS: 'classic' } })
    expect(await refusal(classic.put('k', 'x', withKey(1)))).toBe('200')
  })

  it('is refused where the bucket blocks SSE-C; what is there is read', async () => {
    await makeBucket(test.s3, 'blocking')
    await takeCustomerKeys(test.s3, 'blocking')
    await test.put('before', 'x', { Bucket: 'blocking', ...withKey(1) })
    const block = (EncryptionType: 'SSE-C' | 'NONE') =>
      test.s3.send(
        new PutBucketEncryptionCommand({
          Bucket: 'blocking',
          ServerSideEncryptionConfiguration: {
            Rules: [{ BlockedEncryptionTypes: { EncryptionType: [EncryptionType] } }],
          },
        }),
      )
    const at = { Bucket: 'blocking', Key: 'k' }
    const { UploadId } = await test.s3.send(new CreateMultipartUploadCommand({ ...at, ...withKey(1) }))
    await block('SSE-C')
    expect(await refusal(test.put('k', 'x', { Bucket: 'blocking', ...withKey(1) }))).toBe('403 AccessDenied')
    expect(await refusal(test.s3.send(new CreateMultipartUploadCommand({ ...at, ...withKey(1) })))).toBe(
      '403 AccessDenied',
    )
    const part = new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'x', ...withKey(1) })
    expect(await refusal(test.s3.send(part))).toBe('403 AccessDenied')
    expect((await test.put('k', 'x', { Bucket: 'blocking' })).ServerSideEncryption).toBe('AES256')
    expect((await test.get('before', { Bucket: 'blocking', ...withKey(1) })).bytes.toString()).toBe('x')
    await block('NONE')
    await test.put('k', 'x', { Bucket: 'blocking', ...withKey(1) })
  })

  it('can be kept to TLS by a setting', async () => {
    await using strict = await startObjectHouse({ settings: { COFFER_S3_CUSTOMER_KEYS_OVER_HTTP: 'false' } })
    await takeCustomerKeys(strict.s3, 'objects')
    expect(await refusal(strict.put('k', 'x', withKey(1)))).toBe('400 InvalidRequest')
  })
})
