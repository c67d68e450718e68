import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const md5 = (bytes: Buffer | string, encoding: 'hex' | 'base64' = 'hex') =>
  createHash('md5').update(bytes).digest(encoding)

describe('PutObject', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 262_144, 262_145, 1_000_000])('stores %i bytes', async (size) => {
    const body = contentBytes(`put ${size}`, size)
    const { ETag } = await test.put(`size-${size}`, body)
    expect(ETag).toBe(`"${md5(body)}"`)
    const { bytes, ContentLength, ETag: read } = await test.get(`size-${size}`)
    expect(ContentLength).toBe(size)
    expect(read).toBe(ETag)
    expect(bytes.equals(body)).toBe(true)
  })

  it('says how the object was encrypted', async () => {
    const { ServerSideEncryption } = await test.put('sse', 'x')
    expect(ServerSideEncryption).toBe('AES256')
    expect((await test.get('sse')).ServerSideEncryption).toBe('AES256')
  })

  it('stores a stream whose length the header gives', async () => {
    const body = contentBytes('stream', 700_000)
    await test.put('stream', Readable.from([body.subarray(0, 300_000), body.subarray(300_000)]), {
      ContentLength: body.length,
    })
    expect((await test.get('stream')).bytes.equals(body)).toBe(true)
  })

  it.each([
    'a//b',
    '../up',
    './here',
    'sp ace+plus',
    'ünï/コ/😀',
    '%2F',
    'a?b#c&d=e',
    'trailing/',
    '.',
    'quo\'te"<>',
    'tab\tkey',
  ])('keeps the key %j as it is', async (key) => {
    const body = `body of ${key}`
    // Node's URL handling in the SDK would resolve dots; the raw path cannot.
    const path = `/${test.bucket}/${key.split('/').map(encodeURIComponent).join('/').replace(/'/g, '%27')}`
    expect(outcome(await sendRaw(test.s3Url, { method: 'PUT', path, body }))).toBe('200')
    const { objects } = test.house
    const page = await objects.list({
      bucket: objects.buckets.get(test.bucket),
      prefix: key,
      delimiter: '',
      after: '',
      limit: 1000,
    })
    expect(page.items.map((item) => item.key)).toContain(key)
    expect((await sendRaw(test.s3Url, { method: 'GET', path })).body.toString()).toBe(body)
  })

  it('takes a key of 1024 bytes and no longer one', async () => {
    expect(outcome(await test.raw({ method: 'PUT', key: 'k'.repeat(1024), body: 'x' }))).toBe('200')
    expect(outcome(await test.raw({ method: 'PUT', key: 'k'.repeat(1025), body: 'x' }))).toBe('400 KeyTooLongError')
    // The limit counts bytes of UTF-8, not characters.
    expect(await refusal(test.put('é'.repeat(513), 'x'))).toBe('400 KeyTooLongError')
  })

  it('refuses a bucket that does not exist', async () => {
    expect(await refusal(test.put('key', 'x', { Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })

  it('accepts the right Content-MD5, refuses another and one that is none', async () => {
    const right = await test.raw({
      method: 'PUT',
      key: 'md5',
      body: 'right',
      headers: { 'content-md5': md5('right', 'base64') },
    })
    expect(outcome(right)).toBe('200')
    const wrong = { method: 'PUT', key: 'md5', body: 'wrong' }
    expect(outcome(await test.raw({ ...wrong, headers: { 'content-md5': md5('right', 'base64') } }))).toBe(
      '400 BadDigest',
    )
    for (const bad of ['', 'bm90IGEgZGlnZXN0', md5('wrong'), `${md5('wrong', 'base64')}=`]) {
      expect(outcome(await test.raw({ ...wrong, headers: { 'content-md5': bad } }))).toBe('400 InvalidDigest')
    }
    expect((await test.get('md5')).bytes.toString()).toBe('right')
  })

  it('refuses a body that is not the one that was signed, and keeps what was there', async () => {
    await test.put('signed', 'kept')
    const before = await test.blobs()
    const body = contentBytes('not signed', 500_000)
    const reply = await test.raw({
      method: 'PUT',
      key: 'signed',
      body,
      payload: createHash('sha256').update('other').digest('hex'),
    })
    expect(outcome(reply)).toBe('400 XAmzContentSHA256Mismatch')
    expect((await test.get('signed')).bytes.toString()).toBe('kept')
    expect(await test.blobs()).toEqual(before)
  })

  it('takes an unsigned payload', async () => {
    expect(outcome(await test.raw({ method: 'PUT', key: 'unsigned', body: 'open', payload: 'UNSIGNED-PAYLOAD' }))).toBe(
      '200',
    )
    expect((await test.get('unsigned')).bytes.toString()).toBe('open')
  })

  it.each<[string, Record<string, string>]>([
    ['', {}],
    [' with a parameter', { 'x-id': 'PutObject' }],
    [' with a parameter without value', { x: '' }],
    [' for a part', { partNumber: '1', uploadId: '' }],
  ])('wants to know the length%s', async (_, query) => {
    await test.put('no-length', 'kept')
    const signed = signRaw(test.s3Url, { method: 'PUT', path: `/${test.bucket}/no-length`, query })
    const outgoing = startRaw(test.s3Url, signed)
    outgoing.removeHeader('content-length')
    outgoing.removeHeader('transfer-encoding')
    outgoing.end()
    expect(outcome(await replyOf(outgoing))).toBe('411 MissingContentLength')
    expect((await test.get('no-length')).bytes.toString()).toBe('kept')
  })

  it('takes a body in chunks whose length shows at its end', async () => {
    const body = contentBytes('in chunks', 300_000)
    const sha = createHash('sha256').update(body).digest('hex')
    const signed = signRaw(test.s3Url, { method: 'PUT', path: `/${test.bucket}/in-chunks`, payload: sha })
    const outgoing = startRaw(test.s3Url, { ...signed, headers: { ...signed.headers, 'transfer-encoding': 'chunked' } })
    outgoing.end(body)
    expect(outcome(await replyOf(outgoing))).toBe('200')
    expect((await test.get('in-chunks')).bytes.equals(body)).toBe(true)
  })

  it('refuses a length above 5 GiB before the body', async () => {
    const signed = signRaw(test.s3Url, { method: 'PUT', path: `/${test.bucket}/huge`, payload: 'UNSIGNED-PAYLOAD' })
    const outgoing = startRaw(test.s3Url, {
      ...signed,
      headers: { ...signed.headers, 'content-length': String(5 * 1024 ** 3 + 1) },
    })
    outgoing.flushHeaders()
    expect(outcome(await replyOf(outgoing))).toBe('400 EntityTooLarge')
    outgoing.destroy()
  })

  it.each([
    [{ 'x-amz-object-lock-mode': 'GOVERNANCE' }, '400 InvalidArgument'],
    [{ 'x-amz-server-side-encryption-context': 'e30=' }, '400 InvalidArgument'],
    [{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, '400 InvalidArgument'],
    [{ 'x-amz-server-side-encryption': 'ROT13' }, '400 InvalidArgument'],
    [{ 'x-amz-storage-class': 'COLDEST' }, '400 InvalidStorageClass'],
    [{ 'x-amz-acl': 'public-read' }, '400 AccessControlListNotSupported'],
    [{ 'x-amz-grant-read': 'id=x' }, '400 AccessControlListNotSupported'],
    [{ 'x-amz-acl': 'nonsense' }, '400 InvalidArgument'],
  ])('refuses %j rather than ignore it', async (headers, expected) => {
    expect(outcome(await test.raw({ method: 'PUT', key: 'refused', body: 'x', headers: { ...headers } }))).toBe(
      expected,
    )
    expect(await refusal(test.get('refused'))).toBe('404 NoSuchKey')
  })

  it.each([
    { 'x-amz-acl': 'bucket-owner-full-control' },
    { 'x-amz-acl': 'private' },
    { 'x-amz-storage-class': 'STANDARD' },
    { 'x-amz-server-side-encryption': 'AES256' },
  ])('takes %j, which asks for what is done anyway', async (headers) => {
    expect(outcome(await test.raw({ method: 'PUT', key: 'taken', body: 'x', headers: { ...headers } }))).toBe('200')
  })

  it('replaces an object with all its attributes', async () => {
    await test.put('replaced', 'old', { Metadata: { old: '1' }, ContentType: 'text/old', CacheControl: 'no-store' })
    await test.put('replaced', 'new', { Metadata: { fresh: '2' } })
    const { bytes, Metadata, ContentType, CacheControl } = await test.get('replaced')
    expect({ body: bytes.toString(), Metadata, ContentType, CacheControl }).toEqual({
      body: 'new',
      Metadata: { fresh: '2' },
      ContentType: 'application/octet-stream',
      CacheControl: undefined,
    })
  })

  it.each([10, 100_000, 600_000])('frees the disk of a replaced object of %i bytes', async (size) => {
    const before = await test.blobs()
    await test.put('freed', contentBytes('one', size))
    const first = await test.blobs()
    await test.put('freed', contentBytes('two', size))
    const second = await test.blobs()
    expect(second).toHaveLength(before.length + 1)
    expect(second.filter((id) => first.includes(id)).sort()).toEqual(before.sort())
    expect((await test.get('freed')).bytes.equals(contentBytes('two', size))).toBe(true)
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'freed' }))
    expect((await test.blobs()).sort()).toEqual(before.sort())
  })

  it('answers the time that HEAD gives, in whole seconds of now', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000
    await test.put('time', 'x')
    const { LastModified } = await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'time' }))
    expect(LastModified?.getTime()).toBeGreaterThanOrEqual(before)
    expect(LastModified?.getTime()).toBeLessThanOrEqual(Date.now())
  })
})
