import { CreateMultipartUploadCommand, HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete, createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

describe('CreateMultipartUpload', () => {
  it('names bucket, key and an id of its own', async () => {
    const create = () => test.s3.send(new CreateMultipartUploadCommand({ Bucket: test.bucket, Key: 'a key/ü' }))
    const [one, two] = [await create(), await create()]
    expect(one).toMatchObject({ Bucket: test.bucket, Key: 'a key/ü', ServerSideEncryption: 'AES256' })
    expect(one.UploadId).not.toBe(two.UploadId)
  })

  it('makes nothing that can be read', async () => {
    await test.put('existing', 'before')
    await createUpload(test, 'existing')
    await createUpload(test, 'unmade')
    expect((await test.get('existing')).bytes.toString()).toBe('before')
    expect(await refusal(test.get('unmade'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toHaveLength(1)
  })

  it('fixes the attributes of the object', async () => {
    const attributes = {
      Metadata: { colour: 'red', __proto__x: '1' },
      ContentType: 'text/x-parts',
      CacheControl: 'no-store',
      ContentDisposition: 'inline',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      WebsiteRedirectLocation: '/there',
    }
    const uploadId = await createUpload(test, 'attributes', attributes)
    await complete(test, 'attributes', uploadId, [await sendPart(test, 'attributes', uploadId, 1, 'body')])
    expect(await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'attributes' }))).toMatchObject(
      attributes,
    )
  })

  it.each([
    [{ 'x-amz-meta-big': 'v'.repeat(2048) }, '400 MetadataTooLarge'],
    [{ 'x-amz-server-side-encryption-context': 'e30=' }, '400 InvalidArgument'],
    [{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, '400 InvalidArgument'],
    [{ 'x-amz-storage-class': 'COLDEST' }, '400 InvalidStorageClass'],
    [{ 'x-amz-acl': 'public-read' }, '400 AccessControlListNotSupported'],
    [{ 'x-amz-checksum-algorithm': 'MD4' }, '400 InvalidRequest'],
    [{ 'x-amz-checksum-type': 'FULL_OBJECT' }, '400 InvalidRequest'],
    [{ 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT' }, '400 InvalidRequest'],
    [{ 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' }, '400 InvalidRequest'],
    [{ 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'PARTIAL' }, '400 InvalidRequest'],
  ])('refuses %j before the first part', async (headers, expected) => {
    const reply = await test.raw({ method: 'POST', key: 'refused', query: { uploads: '' }, headers: { ...headers } })
    expect(outcome(reply)).toBe(expected)
    const { Uploads } = await test.s3.send(new ListMultipartUploadsCommand({ Bucket: test.bucket, Prefix: 'refused' }))
    expect(Uploads).toBeUndefined()
  })

  it.each([
    ['CRC32', undefined, 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT', 'FULL_OBJECT'],
    ['CRC32C', undefined, 'COMPOSITE'],
    ['CRC64NVME', undefined, 'FULL_OBJECT'],
    ['SHA1', undefined, 'COMPOSITE'],
    ['SHA256', 'COMPOSITE', 'COMPOSITE'],
  ] as const)('says which checksum the object will have: %s %s is %s', async (algorithm, asked, expected) => {
    const command = new CreateMultipartUploadCommand({
      Bucket: test.bucket,
      Key: 'sum',
      ChecksumAlgorithm: algorithm,
      ...(asked ? { ChecksumType: asked } : {}),
    })
    expect(await test.s3.send(command)).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: expected })
  })

  it('refuses a bucket that does not exist', async () => {
    expect(await refusal(createUpload(test, 'key', { Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })
})
