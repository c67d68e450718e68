import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const versioning = (Status: 'Enabled' | 'Suspended') =>
  test.s3.send(new PutBucketVersioningCommand({ Bucket: test.bucket, VersioningConfiguration: { Status } }))
const text = async (key: string, VersionId?: string): Promise<string> =>
  (await test.get(key, { VersionId })).bytes.toString()
const remove = (Key: string, VersionId?: string) =>
  test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key, VersionId }))
const NONE = 'AAAAAAAAAAAAAAAAAAAAAA'

describe('an object in a bucket that never had versioning', () => {
  it('has no version id in answers, and is its own null version', async () => {
    const put = await test.put('plain', 'x')
    expect(put.VersionId).toBeUndefined()
    expect((await test.get('plain')).VersionId).toBeUndefined()
    expect(await text('plain', 'null')).toBe('x')
    expect(await refusal(test.get('plain', { VersionId: NONE }))).toBe('404 NoSuchVersion')
    expect(await refusal(test.get('plain', { VersionId: 'no id' }))).toBe('400 InvalidArgument')
    expect((await test.raw({ method: 'GET', key: 'plain', query: { versionId: '' } })).status).toBe(400)
    const deleted = await remove('plain')
    expect([deleted.VersionId, deleted.DeleteMarker]).toEqual([undefined, undefined])
    // The public suite asks for it, AWS leaves it out.
    expect((await test.raw({ method: 'HEAD', key: 'plain' })).headers['x-amz-delete-marker']).toBe('false')
    expect(await refusal(test.get('plain'))).toBe('404 NoSuchKey')
  })
})

describe('an object with versioning enabled', () => {
  it('keeps what it replaces, the version from before too', async () => {
    await test.put('kept', 'zero')
    await versioning('Enabled')
    const one = await test.put('kept', 'one', { Metadata: { number: '1' } })
    const two = await test.put('kept', 'two')
    expect(one.VersionId).toMatch(/^[\w-]{22}$/)
    expect(two.VersionId).not.toBe(one.VersionId)
    expect(await test.get('kept')).toMatchObject({ VersionId: two.VersionId })
    expect([await text('kept'), await text('kept', one.VersionId), await text('kept', 'null')]).toEqual([
      'two',
      'one',
      'zero',
    ])
    const head = await test.s3.send(
      new HeadObjectCommand({ Bucket: test.bucket, Key: 'kept', VersionId: one.VersionId }),
    )
    expect(head).toMatchObject({ VersionId: one.VersionId, Metadata: { number: '1' }, ContentLength: 3 })
    expect((await test.get('kept', { VersionId: one.VersionId, Range: 'bytes=1-1' })).bytes.toString()).toBe('n')
    expect(await refusal(test.get('kept', { VersionId: NONE }))).toBe('404 NoSuchVersion')
  })

  it('is hidden by a delete marker, and back without it', async () => {
    const { VersionId } = await test.put('hidden', 'still here')
    const marker = await remove('hidden')
    expect(marker).toMatchObject({ DeleteMarker: true, VersionId: expect.stringMatching(/^[\w-]{22}$/) })
    for (const method of ['GET', 'HEAD'] as const) {
      const reply = await test.raw({ method, key: 'hidden' })
      expect(reply.status).toBe(404)
      expect(reply.headers).toMatchObject({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.VersionId })
      const named = await test.raw({ method, key: 'hidden', query: { versionId: marker.VersionId ?? '' } })
      expect(named.status).toBe(405)
      expect(named.headers).toMatchObject({ 'x-amz-delete-marker': 'true', allow: 'DELETE' })
      expect(Date.parse(String(named.headers['last-modified']))).toBeGreaterThan(0)
    }
    expect(await text('hidden', VersionId)).toBe('still here')
    expect(await remove('hidden', marker.VersionId)).toMatchObject({ DeleteMarker: true, VersionId: marker.VersionId })
    expect(await text('hidden')).toBe('still here')
  })

  it('gives way to the version before when its own is deleted', async () => {
    const one = await test.put('back', 'one')
    const two = await test.put('back', 'two')
    const deleted = await remove('back', two.VersionId)
    expect([deleted.VersionId, deleted.DeleteMarker]).toEqual([two.VersionId, undefined])
    expect(await test.get('back')).toMatchObject({ VersionId: one.VersionId })
    await remove('back', one.VersionId)
    expect(await refusal(test.get('back'))).toBe('404 NoSuchKey')
    // S3: what is not there is deleted already.
    expect(await refusal(remove('back', two.VersionId))).toBe('200')
    expect(await refusal(remove('back', 'no id'))).toBe('400 InvalidArgument')
  })

  it('gets a delete marker also when it never was', async () => {
    expect(await remove('never')).toMatchObject({ DeleteMarker: true })
    const { DeleteMarkers } = await test.s3.send(
      new ListObjectVersionsCommand({ Bucket: test.bucket, Prefix: 'never' }),
    )
    expect(DeleteMarkers).toHaveLength(1)
  })

  it('is deleted by DeleteObjects with and without its version', async () => {
    const one = await test.put('many', 'one')
    const two = await test.put('many', 'two')
    const marker = await remove('other')
    const { Deleted = [], Errors } = await test.s3.send(
      new DeleteObjectsCommand({
        Bucket: test.bucket,
        Delete: {
          Objects: [
            { Key: 'many', VersionId: one.VersionId },
            { Key: 'other', VersionId: marker.VersionId },
            { Key: 'third' },
            { Key: 'many', VersionId: NONE },
            { Key: 'many', VersionId: 'no id' },
          ],
        },
      }),
    )
    expect(Deleted).toEqual([
      { Key: 'many', VersionId: one.VersionId },
      { Key: 'other', VersionId: marker.VersionId, DeleteMarker: true, DeleteMarkerVersionId: marker.VersionId },
      { Key: 'third', DeleteMarker: true, DeleteMarkerVersionId: expect.stringMatching(/^[\w-]{22}$/) },
      { Key: 'many', VersionId: NONE },
    ])
    expect(Errors).toMatchObject([{ Key: 'many', Code: 'NoSuchVersion' }])
    expect(await test.get('many')).toMatchObject({ VersionId: two.VersionId })
    expect(await refusal(test.get('many', { VersionId: one.VersionId }))).toBe('404 NoSuchVersion')
  })

  it('is copied from one of its versions, onto itself too', async () => {
    const one = await test.put('source', 'one')
    const two = await test.put('source', 'two')
    const copy = (Key: string, version: string | undefined) =>
      test.s3.send(
        new CopyObjectCommand({ Bucket: test.bucket, Key, CopySource: `${test.bucket}/source?versionId=${version}` }),
      )
    const copied = await copy('target', one.VersionId)
    expect(copied.CopySourceVersionId).toBe(one.VersionId)
    expect(await test.get('target')).toMatchObject({ VersionId: copied.VersionId })
    expect(await text('target')).toBe('one')
    const restored = await copy('source', one.VersionId)
    expect(await text('source')).toBe('one')
    expect(await text('source', two.VersionId)).toBe('two')
    expect(restored.VersionId).not.toBe(one.VersionId)
    expect(await refusal(copy('target', NONE))).toBe('404 NoSuchVersion')
    const marker = await remove('source')
    expect(await refusal(copy('target', marker.VersionId))).toBe('400 InvalidRequest')
    const current = new CopyObjectCommand({ Bucket: test.bucket, Key: 'x', CopySource: `${test.bucket}/source` })
    expect(await refusal(test.s3.send(current))).toBe('404 NoSuchKey')
  })

  it('is uploaded in parts, and copied into them', async () => {
    const { s3, bucket: Bucket } = test
    const source = await test.put('part source', 'from the past')
    await test.put('part source', 'now')
    const Key = 'in parts'
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const part = await s3.send(
      new UploadPartCopyCommand({
        ...{ Bucket, Key, UploadId, PartNumber: 1 },
        CopySource: `${Bucket}/part%20source?versionId=${source.VersionId}`,
      }),
    )
    expect(part.CopySourceVersionId).toBe(source.VersionId)
    const Parts = [{ PartNumber: 1, ETag: part.CopyPartResult?.ETag }]
    const complete = () =>
      s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
    const done = await complete()
    expect(done.VersionId).toMatch(/^[\w-]{22}$/)
    expect(await complete()).toMatchObject({ VersionId: done.VersionId })
    await test.put(Key, 'after')
    expect(await text(Key, done.VersionId)).toBe('from the past')
  })

  it('has tags and attributes of each version', async () => {
    const { s3, bucket: Bucket } = test
    const one = await test.put('tagged', 'one', { Tagging: 'of=one' })
    const two = await test.put('tagged', 'three')
    const of = (VersionId?: string) => ({ Bucket, Key: 'tagged', VersionId })
    const tags = async (VersionId?: string) => s3.send(new GetObjectTaggingCommand(of(VersionId)))
    expect(await tags(one.VersionId)).toMatchObject({ TagSet: [{ Key: 'of', Value: 'one' }], VersionId: one.VersionId })
    expect(await tags()).toMatchObject({ TagSet: [], VersionId: two.VersionId })
    const Tagging = { TagSet: [{ Key: 'of', Value: 'two' }] }
    const put = await s3.send(new PutObjectTaggingCommand({ ...of(one.VersionId), Tagging }))
    expect(put.VersionId).toBe(one.VersionId)
    expect((await tags(one.VersionId)).TagSet).toEqual(Tagging.TagSet)
    expect((await s3.send(new DeleteObjectTaggingCommand(of(one.VersionId)))).VersionId).toBe(one.VersionId)
    expect((await tags(one.VersionId)).TagSet).toEqual([])
    const attributes = new GetObjectAttributesCommand({ ...of(one.VersionId), ObjectAttributes: ['ObjectSize'] })
    expect(await s3.send(attributes)).toMatchObject({ ObjectSize: 3, VersionId: one.VersionId })
    expect(await refusal(tags(NONE))).toBe('404 NoSuchVersion')
    await remove('tagged')
    expect(await refusal(tags())).toBe('404 NoSuchKey')
  })

  it('is written on conditions that ask about the current version', async () => {
    const one = await test.put('if', 'one')
    const two = await test.put('if', 'two')
    expect(await refusal(test.put('if', 'x', { IfMatch: one.ETag }))).toBe('412 PreconditionFailed')
    expect(await refusal(test.put('if', 'x', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect(await refusal(test.put('if', 'three', { IfMatch: two.ETag }))).toBe('200')
    await remove('if')
    expect(await refusal(test.put('if', 'x', { IfMatch: two.ETag }))).toBe('404 NoSuchKey')
    expect(await refusal(test.put('if', 'four', { IfNoneMatch: '*' }))).toBe('200')
  })

  it('keeps its bucket from being deleted while a version or a delete marker is left', async () => {
    const { s3, bucket: Bucket } = test
    const all = async () => {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
      return { Versions, DeleteMarkers }
    }
    for (const { Key, VersionId } of (await all()).Versions) await remove(Key ?? '', VersionId)
    expect((await all()).Versions).toEqual([])
    expect(await test.blobs()).toEqual([])
    expect(await refusal(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('409 BucketNotEmpty')
    for (const { Key, VersionId } of (await all()).DeleteMarkers) await remove(Key ?? '', VersionId)
    expect(await all()).toEqual({ Versions: [], DeleteMarkers: [] })
  })
})

describe('an object while versioning is suspended', () => {
  it('takes the place of the null version and of no other', async () => {
    await versioning('Enabled')
    const one = await test.put('suspended', 'one')
    await versioning('Suspended')
    // S3 tells no id of the null version when it is written.
    expect((await test.put('suspended', 'two')).VersionId).toBeUndefined()
    expect((await test.put('suspended', 'three')).VersionId).toBeUndefined()
    expect(await test.get('suspended')).toMatchObject({ VersionId: 'null' })
    expect([await text('suspended'), await text('suspended', one.VersionId)]).toEqual(['three', 'one'])
    expect(await remove('suspended')).toMatchObject({ DeleteMarker: true, VersionId: 'null' })
    expect(await refusal(test.get('suspended', { VersionId: 'null' }))).toBe('405 MethodNotAllowed')
    expect(await remove('suspended', 'null')).toMatchObject({ DeleteMarker: true, VersionId: 'null' })
    expect(await text('suspended')).toBe('one')
    expect((await test.blobs()).length).toBe(1)
  })

  it('is uploaded in parts as the null version', async () => {
    const { s3, bucket: Bucket } = test
    const Key = 'suspended parts'
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    const done = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
    expect(done.VersionId).toBeUndefined()
    expect((await test.get(Key)).VersionId).toBe('null')
  })
})
