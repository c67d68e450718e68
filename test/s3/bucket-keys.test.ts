import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'
import { makeBucket } from '../support/s3.ts'

let test: ObjectHouse
let keys: KeyOwner
let rootKey: { readonly crn: string; readonly id: string }
beforeAll(async () => {
  test = await startObjectHouse()
  keys = await keyOwner(test.controlUrl)
  rootKey = await keys.newKey('of a customer')
  await makeBucket(test.s3, 'customers', rootKey.crn)
})
afterAll(() => test[Symbol.asyncDispose]())

const BUCKETS = ['objects', 'customers'] as const
const headOf = (Bucket: string, Key: string) => test.s3.send(new HeadObjectCommand({ Bucket, Key }))
const usage = async () => {
  const { keyUsage, buckets } = test.house.objects
  const bucket = buckets.get('customers')
  const [version] = (await keyUsage(bucket.rootKeyCrn)).versions
  return version?.bucketKeys ?? 0
}

describe('x-amz-server-side-encryption-bucket-key-enabled', () => {
  it.each(BUCKETS)('is done by PutObject, and told of that object alone (%s)', async (Bucket) => {
    const done = await test.put('with', 'a', { Bucket, BucketKeyEnabled: true })
    expect(done.BucketKeyEnabled).toBe(true)
    expect((await headOf(Bucket, 'with')).BucketKeyEnabled).toBe(true)
    const read = await test.get('with', { Bucket })
    expect([read.BucketKeyEnabled, read.bytes.toString()]).toEqual([true, 'a'])
    for (const more of [{}, { BucketKeyEnabled: false }]) {
      expect((await test.put('without', 'b', { Bucket, ...more })).BucketKeyEnabled).toBeUndefined()
      expect((await headOf(Bucket, 'without')).BucketKeyEnabled).toBeUndefined()
    }
    const { objects } = test.house
    const kinds = objects.buckets.get(Bucket).slots.map(({ kind }) => kind)
    expect(kinds).toEqual(['root', 'bucket-key'])
  })

  it('makes one bucket key, which the root key wraps, for all objects that ask for one', async () => {
    await test.put('one', 'a', { Bucket: 'customers', BucketKeyEnabled: true })
    await test.put('two', 'b', { Bucket: 'customers', BucketKeyEnabled: true })
    expect(await usage()).toBe(1)
  })

  it('does not outlive the permission of the root key', async () => {
    await test.put('kept', 'a', { Bucket: 'customers', BucketKeyEnabled: true })
    await keys.act(rootKey.id, 'disable')
    await test.settled()
    await expect(headOf('customers', 'kept')).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    await keys.act(rootKey.id, 'enable')
    await test.settled()
    expect((await headOf('customers', 'kept')).BucketKeyEnabled).toBe(true)
  })

  it('is done by CopyObject, for the copy as it asks', async () => {
    await test.put('source', 'bytes', { BucketKeyEnabled: true })
    const copy = (Key: string, more: object = {}) =>
      test.s3.send(new CopyObjectCommand({ Bucket: 'objects', Key, CopySource: 'objects/source', ...more }))
    expect((await copy('plain copy')).BucketKeyEnabled).toBeUndefined()
    expect((await headOf('objects', 'plain copy')).BucketKeyEnabled).toBeUndefined()
    expect((await copy('copy', { BucketKeyEnabled: true })).BucketKeyEnabled).toBe(true)
    expect((await headOf('objects', 'copy')).BucketKeyEnabled).toBe(true)
    // To itself: another protection is a change.
    expect((await copy('source', { BucketKeyEnabled: false })).BucketKeyEnabled).toBeUndefined()
    expect((await headOf('objects', 'source')).BucketKeyEnabled).toBeUndefined()
  })

  it.each([true, false])('is settled when an upload begins, and told by each of its steps (%s)', async (enabled) => {
    const at = { Bucket: 'objects', Key: `upload ${enabled}` }
    const expected = enabled ? true : undefined
    const begun = await test.s3.send(new CreateMultipartUploadCommand({ ...at, BucketKeyEnabled: enabled }))
    expect(begun.BucketKeyEnabled).toBe(expected)
    const UploadId = begun.UploadId
    const part = await test.s3.send(
      new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: Buffer.alloc(5 * 1024 ** 2) }),
    )
    await test.put('source', 'bytes')
    const copied = await test.s3.send(
      new UploadPartCopyCommand({ ...at, UploadId, PartNumber: 2, CopySource: 'objects/source' }),
    )
    expect([part.BucketKeyEnabled, copied.BucketKeyEnabled]).toEqual([expected, expected])
    const done = await test.s3.send(
      new CompleteMultipartUploadCommand({
        ...{ ...at, UploadId },
        MultipartUpload: {
          Parts: [
            { PartNumber: 1, ETag: part.ETag },
            { PartNumber: 2, ETag: copied.CopyPartResult?.ETag },
          ],
        },
      }),
    )
    expect([done.BucketKeyEnabled, (await headOf(at.Bucket, at.Key)).BucketKeyEnabled]).toEqual([expected, expected])
  })

  it('is refused when it is neither true nor false, before anything is stored', async () => {
    const headers = { 'x-amz-server-side-encryption-bucket-key-enabled': 'perhaps' }
    const reply = await test.raw({ method: 'PUT', key: 'odd', headers, body: 'x' })
    expect(outcome(reply)).toBe('400 InvalidArgument')
    await expect(headOf('objects', 'odd')).rejects.toMatchObject({ name: 'NotFound' })
  })
})
