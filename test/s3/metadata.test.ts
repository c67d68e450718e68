import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf } from '../support/engine.ts'
import { filesUnder } from '../support/files-under.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

/** Puts with headers as they are given, and hands back the stored ones that GET answers. */
async function stored(headers: Record<string, string>, wanted: readonly string[] = Object.keys(headers)) {
  const put = await test.raw({ method: 'PUT', key: 'stored', body: 'x', headers })
  expect(outcome(put)).toBe('200')
  const got = await test.raw({ method: 'GET', key: 'stored' })
  return Object.fromEntries(wanted.map((name) => [name, got.headers[name]]))
}

describe('user metadata', () => {
  it('comes back under lower-case names', async () => {
    await test.put('names', 'x', {
      Metadata: { Plain: 'a', 'with-dash': 'b', under_score: 'c', '123': 'd', 'dot.ted': 'e' },
    })
    expect((await test.get('names')).Metadata).toEqual({
      plain: 'a',
      'with-dash': 'b',
      under_score: 'c',
      '123': 'd',
      'dot.ted': 'e',
    })
  })

  it.each(['__proto__', 'constructor', 'hasownproperty', 'tostring', "!#$%&'*+.^_`|~", 'x-amz-meta-again'])(
    'may be named %s',
    async (name) => {
      const headers = { [`x-amz-meta-${name}`]: 'odd' }
      expect(await stored(headers)).toEqual(headers)
      const { Metadata } = await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'stored' }))
      if (name !== '__proto__') expect(Metadata).toEqual({ [name]: 'odd' })
    },
  )

  it.each([
    ['an empty value', ''],
    ['spaces inside', 'a  b'],
    ['Latin-1', 'caf\u00e9 \u00ff\u00a0x'],
    ['UTF-8, byte by byte', Buffer.from('日本語 ü').toString('latin1')],
    ['quotes and commas', '"a, b"; c=\\d'],
    ['a tab', 'a\tb'],
    ['percent signs', '%41%00%'],
  ])('keeps %s', async (_, value) => {
    expect(await stored({ 'x-amz-meta-value': value })).toEqual({ 'x-amz-meta-value': value })
  })

  it('keeps nothing of the object before', async () => {
    await stored({ 'x-amz-meta-one': '1', 'x-amz-meta-two': '2' })
    expect(await stored({ 'x-amz-meta-two': '3' }, ['x-amz-meta-one', 'x-amz-meta-two'])).toEqual({
      'x-amz-meta-one': undefined,
      'x-amz-meta-two': '3',
    })
  })

  it('takes names and values of 2 KB together, and not one byte more', async () => {
    const full = { Metadata: { ab: 'v'.repeat(1000), cd: 'v'.repeat(2048 - 1000 - 4) } }
    expect(await refusal(test.put('limit', 'x', full))).toBe('200')
    expect((await test.get('limit')).Metadata).toEqual(full.Metadata)
    expect(await refusal(test.put('limit', 'y', { Metadata: { ...full.Metadata, e: '' } }))).toBe(
      '400 MetadataTooLarge',
    )
    expect((await test.get('limit')).bytes.toString()).toBe('x')
  })

  it('counts the limit in bytes', async () => {
    const value = Buffer.from('é'.repeat(1023)).toString('latin1')
    expect(
      outcome(await test.raw({ method: 'PUT', key: 'bytes', body: 'x', headers: { 'x-amz-meta-ab': value } })),
    ).toBe('200')
    expect(
      outcome(await test.raw({ method: 'PUT', key: 'bytes', body: 'x', headers: { 'x-amz-meta-abc': value } })),
    ).toBe('400 MetadataTooLarge')
  })

  it('that cannot be sent is left out and counted, and the object stays readable', async () => {
    const { objects } = test.house
    await objects.put({
      bucket: objects.buckets.get(test.bucket),
      key: 'unsendable',
      body: bodyOf('kept'),
      attributes: {
        headers: { 'content-type': 'text/plain', 'cache-control': 'a\nb' },
        userMetadata: { 'two words': '1', 日: '2', value: '日', good: '3' },
      },
      conditions: {},
    })
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await test.raw({ method, key: 'unsendable' })
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'content-type': 'text/plain',
        'x-amz-meta-good': '3',
        'x-amz-missing-meta': '3',
      })
      expect(headers['cache-control']).toBeUndefined()
    }
    const copy = { Bucket: test.bucket, Key: 'unsendable copy', CopySource: `${test.bucket}/unsendable` }
    await test.s3.send(new CopyObjectCommand(copy))
    expect((await test.get('unsendable copy')).bytes.toString()).toBe('kept')
  })

  it('is not on the disk in clear', async () => {
    await test.put('secret', 'x', {
      Metadata: { secret: 'a-value-that-must-not-be-seen' },
      ContentDisposition: 'attachment; filename="secret-file-name"',
    })
    for (const [name, bytes] of await filesUnder(test.dataDir)) {
      expect(bytes.includes('a-value-that-must-not-be-seen'), name).toBe(false)
      expect(bytes.includes('secret-file-name'), name).toBe(false)
    }
  })
})

describe('content headers', () => {
  it('come back as they were given', async () => {
    const headers = {
      'content-type': 'text/html; charset="utf-8"',
      'cache-control': 'max-age=60, public',
      'content-disposition': 'attachment; filename="a b.txt"',
      'content-encoding': 'gzip',
      'content-language': 'de, en',
      expires: 'Thu, 01 Dec 2044 16:00:00 GMT',
      'x-amz-website-redirect-location': '/elsewhere',
    }
    expect(await stored(headers)).toEqual(headers)
  })

  it('of which none is given leave a type and no other', async () => {
    const none = await stored({}, ['content-type', 'cache-control', 'content-encoding', 'expires'])
    expect(none).toEqual({
      'content-type': 'binary/octet-stream',
      'cache-control': undefined,
      'content-encoding': undefined,
      expires: undefined,
    })
  })

  it('keep a date that is none', async () => {
    expect(await stored({ expires: 'never' })).toEqual({ expires: 'never' })
  })

  it.each([
    ['gzip', 'gzip'],
    ['deflate, gzip', 'deflate, gzip'],
    ['deflate,gzip', 'deflate,gzip'],
    ['aws-chunked', undefined],
    ['aws-chunked,gzip', 'gzip'],
    ['gzip, aws-chunked', 'gzip'],
    ['br, AWS-Chunked, gzip', 'br, gzip'],
  ])('encoding %s is stored as %s', async (given, expected) => {
    expect(await stored({ 'content-encoding': given })).toEqual({ 'content-encoding': expected })
  })
})

describe('response-* parameters', () => {
  const overrides = {
    'response-content-type': 'text/x-other',
    'response-cache-control': 'no-cache',
    'response-content-disposition': 'attachment; filename="other name.txt"',
    'response-content-encoding': 'identity',
    'response-content-language': 'fr',
    'response-expires': 'Fri, 02 Dec 2044 16:00:00 GMT',
  }

  it.each(['GET', 'HEAD'])('override what is stored for one %s', async (method) => {
    await test.put('override', 'body', {
      ContentType: 'text/plain',
      CacheControl: 'max-age=1',
      Metadata: { kept: '1' },
    })
    const reply = await test.raw({ method, key: 'override', query: overrides })
    for (const [name, value] of Object.entries(overrides))
      expect(reply.headers[name.slice('response-'.length)]).toBe(value)
    expect(reply.headers['x-amz-meta-kept']).toBe('1')
    const after = await test.raw({ method, key: 'override' })
    expect(after.headers).toMatchObject({ 'content-type': 'text/plain', 'cache-control': 'max-age=1' })
    expect(after.headers['content-disposition']).toBeUndefined()
  })

  it('count for ranges too, and not for errors', async () => {
    await test.put('override', 'body')
    const part = await test.raw({ method: 'GET', key: 'override', query: overrides, headers: { range: 'bytes=0-1' } })
    expect(part.status).toBe(206)
    expect(part.headers['content-type']).toBe('text/x-other')
    const missing = await test.raw({ method: 'GET', key: 'missing', query: overrides })
    expect(missing.headers['content-type']).toBe('application/xml')
  })

  it.each(['a\r\nset-cookie: x', 'a\u0000', 'tab\u007f', '日本'])(
    'that no header can hold are refused: %j',
    async (value) => {
      await test.put('override', 'body')
      const reply = await test.raw({ method: 'GET', key: 'override', query: { 'response-content-disposition': value } })
      expect(reply.status).toBe(400)
      expect(reply.headers['set-cookie']).toBeUndefined()
    },
  )
})

describe('the website redirect', () => {
  it.each(['/', '/a b', 'http://example.com', 'https://example.com/x?y', 'HTTPS://example.com'])(
    'may be %j',
    async (location) => {
      const headers = { 'x-amz-website-redirect-location': location }
      expect(await stored(headers)).toEqual(headers)
    },
  )

  it.each(['', 'elsewhere', 'javascript:alert(1)', 'ftp://example.com', 'http:/example.com'])(
    'may not be %j',
    async (location) => {
      const headers = { 'x-amz-website-redirect-location': location }
      for (const [method, query] of [
        ['PUT', {}],
        ['POST', { uploads: '' }],
      ] as const) {
        const reply = await test.raw({ method, key: 'refused', query, body: '', headers })
        expect(outcome(reply)).toBe('400 InvalidRedirectLocation')
      }
      expect(await refusal(test.get('refused'))).toBe('404 NoSuchKey')
    },
  )

  it('stays with the object that it was given to', async () => {
    await test.put('redirect', 'x', { WebsiteRedirectLocation: '/target' })
    const copy = (more: object) =>
      test.s3.send(
        new CopyObjectCommand({ Bucket: test.bucket, Key: 'copied', CopySource: `${test.bucket}/redirect`, ...more }),
      )
    const location = async () =>
      (await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'copied' }))).WebsiteRedirectLocation
    await copy({})
    expect(await location()).toBeUndefined()
    await copy({ WebsiteRedirectLocation: '/new' })
    expect(await location()).toBe('/new')
  })
})
