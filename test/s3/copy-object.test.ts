import { CopyObjectCommand, type CopyObjectCommandInput, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const copy = (source: string, key: string, more: Partial<CopyObjectCommandInput> = {}) =>
  test.s3.send(
    new CopyObjectCommand({ Bucket: test.bucket, Key: key, CopySource: `${test.bucket}/${source}`, ...more }),
  )
const head = (key: string) =>
  test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: key, ChecksumMode: 'ENABLED' }))

describe('CopyObject', () => {
  const body = contentBytes('source', 300_000)
  beforeAll(async () => {
    await test.put('source', body, {
      Metadata: { colour: 'red' },
      ContentType: 'text/x-source',
      CacheControl: 'no-store',
      ChecksumAlgorithm: 'SHA256',
    })
  })

  it('copies bytes, attributes and checksum', async () => {
    const { CopyObjectResult, ServerSideEncryption } = await copy('source', 'copy')
    const [source, target] = [await head('source'), await test.get('copy', { ChecksumMode: 'ENABLED' })]
    expect(target.bytes.equals(body)).toBe(true)
    expect(target).toMatchObject({
      ETag: source.ETag,
      Metadata: { colour: 'red' },
      ContentType: 'text/x-source',
      CacheControl: 'no-store',
      ChecksumSHA256: source.ChecksumSHA256,
    })
    expect(CopyObjectResult).toMatchObject({
      ETag: source.ETag,
      ChecksumSHA256: source.ChecksumSHA256,
      ChecksumType: 'FULL_OBJECT',
    })
    expect(CopyObjectResult?.LastModified).toBeInstanceOf(Date)
    expect(ServerSideEncryption).toBe('AES256')
  })

  it('seals anew: the copy outlives its source and shares no bytes with it', async () => {
    await test.put('first', body)
    const before = await test.blobs()
    await copy('first', 'second')
    expect(await test.blobs()).toHaveLength(before.length + 1)
    await test.put('first', 'replaced')
    expect((await test.get('second')).bytes.equals(body)).toBe(true)
  })

  it('replaces the attributes when told to', async () => {
    await copy('source', 'replaced', {
      MetadataDirective: 'REPLACE',
      Metadata: { shape: 'round' },
      ContentType: 'text/x-new',
    })
    expect(await head('replaced')).toMatchObject({ Metadata: { shape: 'round' }, ContentType: 'text/x-new' })
    expect((await head('replaced')).CacheControl).toBeUndefined()
  })

  it('ignores given attributes when they are to be copied', async () => {
    await copy('source', 'ignored', { Metadata: { shape: 'round' }, ContentType: 'text/x-new' })
    expect(await head('ignored')).toMatchObject({ Metadata: { colour: 'red' }, ContentType: 'text/x-source' })
  })

  it.each(['metadata', 'tagging'])('refuses another directive for %s', async (of) => {
    const headers = { 'x-amz-copy-source': `/${test.bucket}/source`, [`x-amz-${of}-directive`]: 'MERGE' }
    expect(outcome(await test.raw({ method: 'PUT', key: 'copy', headers }))).toBe('400 InvalidArgument')
  })

  it('computes another checksum when asked', async () => {
    const { CopyObjectResult } = await copy('source', 'crc', { ChecksumAlgorithm: 'CRC32C' })
    expect(CopyObjectResult?.ChecksumCRC32C).toBeTruthy()
    expect(CopyObjectResult?.ChecksumSHA256).toBeUndefined()
    expect((await head('crc')).ChecksumCRC32C).toBe(CopyObjectResult?.ChecksumCRC32C)
  })

  it('makes one piece of an object in parts, with the ETag and checksum of the whole', async () => {
    const parts = [contentBytes('1', MIN_PART_BYTES), contentBytes('2', 100)]
    await uploadInParts(test, 'parts', parts, { create: { ChecksumAlgorithm: 'CRC32' } })
    expect((await head('parts')).ChecksumType).toBe('COMPOSITE')
    await copy('parts', 'one-piece')
    await test.put('expected', Buffer.concat(parts), { ChecksumAlgorithm: 'CRC32' })
    const [copied, expected] = [await head('one-piece'), await head('expected')]
    expect(copied).toMatchObject({
      ETag: expected.ETag,
      ChecksumCRC32: expected.ChecksumCRC32,
      ChecksumType: 'FULL_OBJECT',
    })
    expect((await test.get('one-piece')).bytes.equals(Buffer.concat(parts))).toBe(true)
  })

  describe('to itself', () => {
    it('is refused when nothing would change', async () => {
      await test.put('self', 'x')
      expect(await refusal(copy('self', 'self'))).toBe('400 InvalidRequest')
    })

    it.each<[string, Partial<CopyObjectCommandInput>]>([
      ['metadata', { MetadataDirective: 'REPLACE', Metadata: { new: '1' } }],
      ['storage class', { StorageClass: 'STANDARD' }],
      ['website redirect', { WebsiteRedirectLocation: '/x' }],
      ['encryption', { ServerSideEncryption: 'AES256' }],
    ])('is done when it names another %s', async (_, more) => {
      const before = await test.blobs()
      await test.put('itself', contentBytes('itself', 400_000), { Metadata: { old: '1' } })
      await copy('itself', 'itself', more)
      const { bytes, Metadata } = await test.get('itself')
      expect(bytes.equals(contentBytes('itself', 400_000))).toBe(true)
      expect(Metadata).toEqual(more.Metadata ?? { old: '1' })
      await test.raw({ method: 'DELETE', key: 'itself' })
      expect(await test.blobs()).toEqual(before)
    })
  })

  describe('names its source', () => {
    it.each(['a b+c', 'ünï/コ', 'a?b', 'a%41', 'x//y', '?versionId=null'])('%j, percent-encoded', async (key) => {
      await test.put(key, `body of ${key}`)
      const encoded = key.split('/').map(encodeURIComponent).join('/')
      for (const source of [
        `${test.bucket}/${encoded}`,
        `/${test.bucket}/${encoded}`,
        `${test.bucket}/${encoded}?versionId=null`,
      ]) {
        await copy('', 'named', { CopySource: source })
        expect((await test.get('named')).bytes.toString()).toBe(`body of ${key}`)
      }
    })

    it.each([
      ['missing', '404 NoSuchKey'],
      [`source?versionId=${'x'.repeat(32)}`, '404 NoSuchVersion'],
      ['source?versionId=other', '400 InvalidArgument'],
      ['source?versionId=', '400 InvalidArgument'],
      ['source?versionId=null&x', '400 InvalidArgument'],
    ])('%s: %s', async (source, expected) => {
      expect(await refusal(copy(source, 'copy'))).toBe(expected)
    })

    it.each([
      ['no-such-bucket/key', '404 NoSuchBucket'],
      ['objects', '400 InvalidArgument'],
      ['objects/', '400 InvalidArgument'],
      ['', '400 InvalidArgument'],
      ['/', '400 InvalidArgument'],
      ['objects/%zz', '400 '],
    ])('%j: %s', async (source, expected) => {
      const reply = await test.raw({ method: 'PUT', key: 'copy-of-nothing', headers: { 'x-amz-copy-source': source } })
      expect(outcome(reply)).toContain(expected)
      expect(await refusal(test.get('copy-of-nothing'))).toBe('404 NoSuchKey')
    })
  })

  it('refuses a target bucket that does not exist', async () => {
    expect(await refusal(copy('source', 'key', { Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })

  it('refuses customer keys of the source that are not whole', async () => {
    const headers = {
      'x-amz-copy-source': `${test.bucket}/source`,
      'x-amz-copy-source-server-side-encryption-customer-algorithm': 'AES256',
    }
    expect(outcome(await test.raw({ method: 'PUT', key: 'copy', headers }))).toBe('400 InvalidArgument')
  })

  describe('under conditions', () => {
    it.each<[string, (etag: string, date: Date) => Partial<CopyObjectCommandInput>, string]>([
      ['source If-Match: it', (etag) => ({ CopySourceIfMatch: etag }), '200'],
      ['source If-Match: another', () => ({ CopySourceIfMatch: '"other"' }), '412 PreconditionFailed'],
      ['source If-None-Match: it', (etag) => ({ CopySourceIfNoneMatch: etag }), '412 PreconditionFailed'],
      ['source If-None-Match: another', () => ({ CopySourceIfNoneMatch: '"other"' }), '200'],
      [
        'source If-Modified-Since: before',
        (_, date) => ({ CopySourceIfModifiedSince: new Date(date.getTime() - 1000) }),
        '200',
      ],
      [
        'source If-Modified-Since: its date',
        (_, date) => ({ CopySourceIfModifiedSince: date }),
        '412 PreconditionFailed',
      ],
      ['source If-Unmodified-Since: its date', (_, date) => ({ CopySourceIfUnmodifiedSince: date }), '200'],
      [
        'source If-Unmodified-Since: before',
        (_, date) => ({ CopySourceIfUnmodifiedSince: new Date(date.getTime() - 1000) }),
        '412 PreconditionFailed',
      ],
      [
        'source If-Match true, If-Unmodified-Since false',
        (etag, date) => ({ CopySourceIfMatch: etag, CopySourceIfUnmodifiedSince: new Date(date.getTime() - 1000) }),
        '200',
      ],
      [
        'source If-None-Match false, If-Modified-Since true',
        (etag, date) => ({ CopySourceIfNoneMatch: etag, CopySourceIfModifiedSince: new Date(date.getTime() - 1000) }),
        '412 PreconditionFailed',
      ],
      ['target If-None-Match: *', () => ({ IfNoneMatch: '*' }), '412 PreconditionFailed'],
      ['target If-Match: another', () => ({ IfMatch: '"other"' }), '412 PreconditionFailed'],
    ])('%s', async (_, conditions, expected) => {
      await test.put('target', 'before')
      const before = await test.blobs()
      const { ETag = '', LastModified = new Date(0) } = await head('source')
      expect(await refusal(copy('source', 'target', conditions(ETag, LastModified)))).toBe(expected)
      expect((await test.get('target')).bytes.equals(expected === '200' ? body : Buffer.from('before'))).toBe(true)
      expect(await test.blobs()).toHaveLength(before.length)
    })
  })
})
