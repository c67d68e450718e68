import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

describe('a conditional read', () => {
  let etag = ''
  let modifiedMs = 0
  beforeAll(async () => {
    await test.put('read', 'body')
    const { headers } = await test.raw({ method: 'HEAD', key: 'read' })
    etag = headers.etag ?? ''
    modifiedMs = Date.parse(headers['last-modified'] ?? '')
  })

  type Headers = (object: { etag: string; bare: string; date: (byMs: number) => string }) => Record<string, string>
  it.each<[string, Headers, number]>([
    ['If-Match: its ETag', ({ etag }) => ({ 'if-match': etag }), 200],
    ['If-Match: its ETag without quotes', ({ bare }) => ({ 'if-match': bare }), 200],
    ['If-Match: another', () => ({ 'if-match': '"other"' }), 412],
    ['If-Match: *', () => ({ 'if-match': '*' }), 200],
    ['If-Match: a list with it', ({ etag }) => ({ 'if-match': `"other", ${etag}` }), 200],
    ['If-None-Match: its ETag', ({ etag }) => ({ 'if-none-match': etag }), 304],
    ['If-None-Match: its ETag, weak', ({ etag }) => ({ 'if-none-match': `W/${etag}` }), 304],
    ['If-None-Match: another', () => ({ 'if-none-match': '"other"' }), 200],
    ['If-None-Match: *', () => ({ 'if-none-match': '*' }), 304],
    ['If-None-Match: a list with it', ({ etag }) => ({ 'if-none-match': `"other",${etag}` }), 304],
    ['If-Modified-Since: its date', ({ date }) => ({ 'if-modified-since': date(0) }), 304],
    ['If-Modified-Since: a second before', ({ date }) => ({ 'if-modified-since': date(-1000) }), 200],
    ['If-Modified-Since: no date', () => ({ 'if-modified-since': 'yesterday' }), 200],
    ['If-Unmodified-Since: its date', ({ date }) => ({ 'if-unmodified-since': date(0) }), 200],
    ['If-Unmodified-Since: a second before', ({ date }) => ({ 'if-unmodified-since': date(-1000) }), 412],
    ['If-Unmodified-Since: no date', () => ({ 'if-unmodified-since': 'yesterday' }), 200],
    // The documented precedence: ETags win over dates.
    [
      'If-Match true, If-Unmodified-Since false',
      ({ etag, date }) => ({ 'if-match': etag, 'if-unmodified-since': date(-1000) }),
      200,
    ],
    [
      'If-Match false, If-Unmodified-Since true',
      ({ date }) => ({ 'if-match': '"other"', 'if-unmodified-since': date(0) }),
      412,
    ],
    [
      'If-None-Match false, If-Modified-Since true',
      ({ etag, date }) => ({ 'if-none-match': etag, 'if-modified-since': date(-1000) }),
      304,
    ],
    [
      'If-None-Match true, If-Modified-Since false',
      ({ date }) => ({ 'if-none-match': '"other"', 'if-modified-since': date(0) }),
      200,
    ],
    ['If-Match false and If-None-Match false', ({ etag }) => ({ 'if-match': '"other"', 'if-none-match': etag }), 412],
    ['a range that cannot be, and If-Match false', () => ({ 'if-match': '"other"', range: 'bytes=100-' }), 412],
    [
      'a range that cannot be, and If-None-Match false',
      ({ etag }) => ({ 'if-none-match': etag, range: 'bytes=100-' }),
      304,
    ],
    ['a range and If-Match true', ({ etag }) => ({ 'if-match': etag, range: 'bytes=0-1' }), 206],
  ])('%s', async (_, headers, expected) => {
    const date = (byMs: number) => new Date(modifiedMs + byMs).toUTCString()
    const given = headers({ etag, bare: etag.replaceAll('"', ''), date })
    for (const method of ['GET', 'HEAD']) {
      const reply = await test.raw({ method, key: 'read', headers: given })
      expect(reply.status, method).toBe(expected)
      if (expected === 412 && method === 'GET') expect(reply.code).toBe('PreconditionFailed')
      if (expected !== 304) continue
      // RFC 9110: a 304 repeats what a cache is to update, and has no body.
      expect(reply.body).toHaveLength(0)
      expect(reply.headers).toMatchObject({ etag, 'last-modified': date(0) })
      expect(reply.headers['content-type']).toBeUndefined()
    }
  })

  it('that finds nothing changed says how long the copy is good', async () => {
    const expires = new Date(modifiedMs + 3_600_000)
    const { ETag = '' } = await test.put('cached', 'cached', { CacheControl: 'max-age=60', Expires: expires })
    for (const method of ['GET', 'HEAD']) {
      const reply = await test.raw({ method, key: 'cached', headers: { 'if-none-match': ETag } })
      expect(reply.status).toBe(304)
      expect(reply.headers).toMatchObject({ 'cache-control': 'max-age=60', expires: expires.toUTCString() })
    }
  })

  it('of nothing is 404, whatever the condition', async () => {
    for (const name of ['if-match', 'if-none-match']) {
      expect(outcome(await test.raw({ method: 'GET', key: 'missing', headers: { [name]: '*' } }))).toBe('404 NoSuchKey')
    }
  })
})

describe('a conditional write', () => {
  it('with If-None-Match: * creates and never replaces', async () => {
    expect(await refusal(test.put('create', 'first', { IfNoneMatch: '*' }))).toBe('200')
    expect(await refusal(test.put('create', 'second', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed')
    expect((await test.get('create')).bytes.toString()).toBe('first')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'create' }))
    expect(await refusal(test.put('create', 'third', { IfNoneMatch: '*' }))).toBe('200')
  })

  it('with an ETag in If-None-Match replaces all but that version', async () => {
    expect(await refusal(test.put('tag', 'x', { IfNoneMatch: '"abc"' }))).toBe('200')
    const { ETag: etag = '' } = await test.put('tag', 'y')
    expect(await refusal(test.put('tag', 'z', { IfNoneMatch: etag }))).toBe('412 PreconditionFailed')
    expect((await test.get('tag')).bytes.toString()).toBe('y')
    expect(await refusal(test.put('tag', 'z', { IfNoneMatch: '"other"' }))).toBe('200')
  })

  it('that deletes by size or date takes only what has them, and what is not there', async () => {
    await test.put('sized', '12345')
    const remove = (headers: Record<string, string>) => test.raw({ method: 'DELETE', key: 'sized', headers })
    const { LastModified: modified = new Date(0) } = await test.get('sized')
    const earlier = new Date(modified.getTime() - 60_000)
    expect(outcome(await remove({ 'x-amz-if-match-size': '4' }))).toBe('412 PreconditionFailed')
    expect(outcome(await remove({ 'x-amz-if-match-last-modified-time': earlier.toUTCString() }))).toBe(
      '412 PreconditionFailed',
    )
    expect(outcome(await remove({ 'x-amz-if-match-size': 'five' }))).toBe('400 InvalidArgument')
    expect(outcome(await remove({ 'x-amz-if-match-last-modified-time': 'then' }))).toBe('400 InvalidArgument')
    expect((await test.get('sized')).bytes.toString()).toBe('12345')
    const both = { 'x-amz-if-match-size': '5', 'x-amz-if-match-last-modified-time': modified.toUTCString() }
    expect((await remove(both)).status).toBe(204)
    expect((await remove({ 'x-amz-if-match-size': '4' })).status).toBe(204)
    expect(await refusal(test.get('sized'))).toBe('404 NoSuchKey')
  })

  it('with If-Match replaces that version only', async () => {
    const { ETag: first = '' } = await test.put('match', 'first')
    expect(await refusal(test.put('match', 'second', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect((await test.get('match')).bytes.toString()).toBe('first')
    expect(await refusal(test.put('match', 'second', { IfMatch: first }))).toBe('200')
    expect(await refusal(test.put('match', 'third', { IfMatch: first }))).toBe('412 PreconditionFailed')
    expect((await test.get('match')).bytes.toString()).toBe('second')
    expect(await refusal(test.put('match', 'any', { IfMatch: '*' }))).toBe('200')
  })

  it('with If-Match on nothing is 404', async () => {
    expect(await refusal(test.put('nothing', 'x', { IfMatch: '*' }))).toBe('404 NoSuchKey')
    expect(await refusal(test.put('nothing', 'x', { IfMatch: '"abc"' }))).toBe('404 NoSuchKey')
  })

  it('that fails leaves nothing on the disk', async () => {
    await test.put('kept', 'x')
    const before = await test.blobs()
    expect(await refusal(test.put('kept', contentBytes('big', 800_000), { IfNoneMatch: '*' }))).toBe(
      '412 PreconditionFailed',
    )
    expect(await refusal(test.put('kept', contentBytes('big', 800_000), { IfMatch: '"other"' }))).toBe(
      '412 PreconditionFailed',
    )
    expect(await test.blobs()).toEqual(before)
  })

  it.each([10, 400_000])('with If-None-Match: * has one winner of many at once, with %i bytes', async (size) => {
    const before = await test.blobs()
    const bodies = Array.from({ length: 12 }, (_, index) => contentBytes(`racer ${index}`, size))
    const outcomes = await Promise.all(
      bodies.map((body) => refusal(test.put(`race-${size}`, body, { IfNoneMatch: '*' }))),
    )
    expect(outcomes.filter((outcome) => outcome === '200')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome !== '200' && outcome !== '412 PreconditionFailed')).toEqual([])
    const winner = bodies[outcomes.indexOf('200')] ?? Buffer.alloc(0)
    expect((await test.get(`race-${size}`)).bytes.equals(winner)).toBe(true)
    expect(await test.blobs()).toHaveLength(before.length + 1)
  })

  it('with If-Match counts every success of many at once exactly once', async () => {
    await test.put('counter', '0')
    const increment = async (): Promise<void> => {
      for (;;) {
        const { bytes, ETag = '' } = await test.get('counter')
        if ((await refusal(test.put('counter', String(Number(bytes.toString()) + 1), { IfMatch: ETag }))) === '200')
          return
      }
    }
    await Promise.all(Array.from({ length: 10 }, increment))
    expect((await test.get('counter')).bytes.toString()).toBe('10')
  })

  it('decides CompleteMultipartUpload too, and a refused one can be repeated', async () => {
    await test.put('upload', 'there')
    const uploadId = await createUpload(test, 'upload')
    const part = await sendPart(test, 'upload', uploadId, 1, 'in parts')
    expect(await refusal(complete(test, 'upload', uploadId, [part], { IfNoneMatch: '*' }))).toBe(
      '412 PreconditionFailed',
    )
    expect(await refusal(complete(test, 'upload', uploadId, [part], { IfMatch: '"other"' }))).toBe(
      '412 PreconditionFailed',
    )
    expect((await test.get('upload')).bytes.toString()).toBe('there')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'upload' }))
    expect(await refusal(complete(test, 'upload', uploadId, [part], { IfMatch: '*' }))).toBe('404 NoSuchKey')
    expect(await refusal(complete(test, 'upload', uploadId, [part], { IfNoneMatch: '*' }))).toBe('200')
    expect((await test.get('upload')).bytes.toString()).toBe('in parts')
  })
})

describe('writes of one key at the same time', () => {
  it.each([1000, 400_000])('end as one of the bodies of %i bytes, with its own ETag and metadata', async (size) => {
    const before = await test.blobs()
    const bodies = Array.from({ length: 12 }, (_, index) => contentBytes(`writer ${index}`, size))
    const etags = await Promise.all(
      bodies.map(
        async (body, index) => (await test.put(`writers-${size}`, body, { Metadata: { writer: String(index) } })).ETag,
      ),
    )
    const { bytes, ETag, Metadata } = await test.get(`writers-${size}`)
    const winner = Number(Metadata?.['writer'])
    expect(bytes.equals(bodies[winner] ?? Buffer.alloc(0))).toBe(true)
    expect(ETag).toBe(etags[winner])
    expect(await test.blobs()).toHaveLength(before.length + 1)
  })

  it('with deletions between them end as a whole body or as nothing, and leave nothing else', async () => {
    const before = await test.blobs()
    const remove = () => test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'mixed' }))
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        index % 3 === 2 ? remove() : test.put('mixed', contentBytes(`${index}`, 300_000)),
      ),
    )
    const outcomeNow = await refusal(test.get('mixed'))
    expect(['200', '404 NoSuchKey']).toContain(outcomeNow)
    expect(await test.blobs()).toHaveLength(before.length + (outcomeNow === '200' ? 1 : 0))
  })

  it('keeps the last one that was acknowledged', async () => {
    const command = (body: string) => new PutObjectCommand({ Bucket: test.bucket, Key: 'last', Body: body })
    for (let round = 0; round < 10; round++) {
      await test.s3.send(command(`round ${round}`))
      expect((await test.get('last')).bytes.toString()).toBe(`round ${round}`)
      await sleep(0)
    }
  })
})
