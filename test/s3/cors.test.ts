import {
  type CORSRule,
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, type RawS3Reply, replyOf, sendRaw, startRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('key', 'bytes')
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (rules: readonly CORSRule[], Bucket = test.bucket) =>
  test.s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [...rules] } }))
const get = async () => (await test.s3.send(new GetBucketCorsCommand({ Bucket: test.bucket }))).CORSRules
const document = (rules: string) => `<CORSConfiguration>${rules}</CORSConfiguration>`
const rule = (inside: string) => `<CORSRule>${inside}</CORSRule>`
const MINIMAL = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>'
const putRaw = (body: string) => sendRaw(test.s3Url, { method: 'PUT', path: '/objects', query: { cors: '' }, body })

const FULL: CORSRule = {
  ID: 'the first',
  AllowedHeaders: ['x-amz-*', 'Content-Type'],
  AllowedMethods: ['GET', 'PUT'],
  AllowedOrigins: ['https://*.example.com', 'http://localhost:8080'],
  ExposeHeaders: ['ETag', 'x-amz-request-id'],
  MaxAgeSeconds: 600,
}
const ANYBODY: CORSRule = { AllowedMethods: ['GET', 'HEAD'], AllowedOrigins: ['*'] }

/** What CORS says in an answer, and whether caches are told what it depends on. */
const said = ({ headers }: Pick<RawS3Reply, 'headers'>) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith('access-control-'))
      .map(([name, value]) => [name.slice('access-control-'.length), value]),
  )
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

const preflight = async (target: string, headers: Record<string, string>) => {
  const outgoing = startRaw(test.s3Url, { method: 'OPTIONS', target, headers })
  outgoing.end()
  return replyOf(outgoing)
}
const ask = (origin: string, method: string, headers?: string) =>
  preflight('/objects/key', {
    ...{ origin, 'access-control-request-method': method },
    ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
  })

describe('a CORS configuration', () => {
  it('is set, told as it was given, replaced and removed', async () => {
    await test.s3.send(new DeleteBucketCorsCommand({ Bucket: test.bucket }))
    expect(await refusal(get())).toBe('404 NoSuchCORSConfiguration')
    await put([FULL, ANYBODY])
    expect(await get()).toEqual([FULL, ANYBODY])
    await put([ANYBODY])
    expect(await get()).toEqual([ANYBODY])
    const gone = await test.s3.send(new DeleteBucketCorsCommand({ Bucket: test.bucket }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect(await refusal(get())).toBe('404 NoSuchCORSConfiguration')
  })

  it.each([
    ['no rule', document(''), '400 MalformedXML', ''],
    ['101 rules', document(rule(MINIMAL).repeat(101)), '400 InvalidRequest', 'limit of 100 rules'],
    ['no method', document(rule('<AllowedOrigin>*</AllowedOrigin>')), '400 MalformedXML', ''],
    ['no origin', document(rule('<AllowedMethod>GET</AllowedMethod>')), '400 MalformedXML', ''],
    [
      'a method that is not S3’s',
      document(rule('<AllowedMethod>PATCH</AllowedMethod><AllowedOrigin>*</AllowedOrigin>')),
      '400 InvalidRequest',
      'Unsupported method is PATCH',
    ],
    [
      'an origin with two wildcards',
      document(rule('<AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://*.*</AllowedOrigin>')),
      '400 InvalidRequest',
      'AllowedOrigin &quot;http://*.*&quot; can not have more than one wildcard.',
    ],
    [
      'a header with two wildcards',
      document(rule(`${MINIMAL}<AllowedHeader>*-*</AllowedHeader>`)),
      '400 InvalidRequest',
      'AllowedHeader &quot;*-*&quot; can not',
    ],
    [
      'a wildcard among the exposed headers',
      document(rule(`${MINIMAL}<ExposeHeader>x-*</ExposeHeader>`)),
      '400 InvalidRequest',
      'ExposeHeader &quot;x-*&quot; contains wildcard.',
    ],
    [
      'an exposed header that is none',
      document(rule(`${MINIMAL}<ExposeHeader>a b</ExposeHeader>`)),
      '400 MalformedXML',
      '',
    ],
    ['an age that is no number', document(rule(`${MINIMAL}<MaxAgeSeconds>1h</MaxAgeSeconds>`)), '400 MalformedXML', ''],
    ['an id too long', document(rule(`${MINIMAL}<ID>${'i'.repeat(256)}</ID>`)), '400 MalformedXML', ''],
    ['an unknown element', document(rule(`${MINIMAL}<AllowedPort>1</AllowedPort>`)), '400 MalformedXML', ''],
    ['nothing', '', '400 MalformedXML', ''],
  ])('with %s is refused, and what was there stays', async (_what, body, expected, told) => {
    await put([ANYBODY])
    const reply = await putRaw(body)
    expect(outcome(reply)).toBe(expected)
    expect(reply.body.toString()).toContain(told)
    expect(await get()).toEqual([ANYBODY])
  })
})

describe('a preflight', () => {
  beforeAll(() => put([FULL, { AllowedMethods: ['DELETE'], AllowedOrigins: ['https://admin'] }]))

  it('is allowed by one rule as a whole, without credentials', async () => {
    const reply = await ask('https://app.example.com', 'PUT', 'content-type, X-Amz-Date')
    expect(outcome(reply)).toBe('200')
    expect(said(reply)).toEqual({
      'allow-origin': 'https://app.example.com',
      'allow-methods': 'GET, PUT',
      'allow-headers': 'content-type, x-amz-date',
      'expose-headers': 'ETag, x-amz-request-id',
      'max-age': '600',
      'allow-credentials': 'true',
    })
    expect(reply.headers['vary']).toBe(VARY)
    expect(reply.body).toHaveLength(0)
  })

  it.each([
    ['another origin', 'https://example.org', 'GET', undefined],
    ['an origin that ends otherwise', 'https://app.example.com.evil.org', 'GET', undefined],
    ['an origin where the wildcard would overlap', 'https://.example.co', 'GET', undefined],
    ['another method', 'https://app.example.com', 'DELETE', undefined],
    ['a method of another rule', 'https://admin', 'GET', undefined],
    ['another header', 'https://app.example.com', 'GET', 'authorization'],
    ['one header too many', 'https://app.example.com', 'GET', 'content-type,authorization'],
    ['a header where none is allowed', 'https://admin', 'DELETE', 'content-type'],
  ])('is refused for %s', async (_what, origin, method, headers) => {
    const reply = await ask(origin, method, headers)
    expect(outcome(reply)).toBe('403 AccessForbidden')
    expect(reply.body.toString()).toContain('This CORS request is not allowed.')
    expect(said(reply)).toEqual({})
    expect(reply.headers['vary']).toBe(VARY)
  })

  it('matches from the start to the end of a wildcard', async () => {
    await put([{ AllowedMethods: ['GET'], AllowedOrigins: ['start*end'] }])
    for (const origin of ['startend', 'start1end']) expect(outcome(await ask(origin, 'GET'))).toBe('200')
    for (const origin of ['starend', '0startend', 'startend0', 'START1END'])
      expect(outcome(await ask(origin, 'GET'))).toBe('403 AccessForbidden')
  })

  it('is told each header once, and refused with more than a hundred', async () => {
    await put([{ ...ANYBODY, AllowedHeaders: ['X-A', 'x-n*'] }])
    const names = (count: number) => Array.from({ length: count }, (_, n) => `x-n${n}`).join(',')
    expect(said(await ask('http://o', 'GET', 'X-a,x-A,x-n'))).toMatchObject({ 'allow-headers': 'x-a, x-n' })
    expect((await ask('http://o', 'GET', names(100))).status).toBe(200)
    expect((await ask('http://o', 'GET', names(101))).status).toBe(403)
    expect((await ask('http://o', 'GET', 'x-a,'.repeat(3000))).status).toBe(200)
  })

  it('of anybody is told so, and has no credentials', async () => {
    await put([ANYBODY])
    expect(said(await ask('https://anything', 'HEAD'))).toEqual({ 'allow-origin': '*', 'allow-methods': 'GET, HEAD' })
  })

  it('is refused again when the rules are gone', async () => {
    await test.s3.send(new DeleteBucketCorsCommand({ Bucket: test.bucket }))
    const reply = await ask('https://anything', 'GET')
    expect(outcome(reply)).toBe('403 AccessForbidden')
    expect(reply.headers['vary']).toBeUndefined()
  })
})

describe('an answer', () => {
  beforeAll(() => put([FULL]))
  const origin = 'http://localhost:8080'

  it('tells an allowed origin what it may read', async () => {
    const reply = await test.raw({ method: 'GET', key: 'key', headers: { origin } })
    expect(outcome(reply)).toBe('200')
    expect(said(reply)).toMatchObject({ 'allow-origin': origin, 'expose-headers': 'ETag, x-amz-request-id' })
    expect(reply.headers['vary']).toBe(VARY)
  })

  it('tells it of errors too: of a missing key, of a missing signature, of a bad request', async () => {
    const missing = await test.raw({ method: 'GET', key: 'missing', headers: { origin } })
    expect([outcome(missing), said(missing)['allow-origin']]).toEqual(['404 NoSuchKey', origin])
    const unsigned = await fetch(`${test.s3Url}/objects/key`, { headers: { origin } })
    expect([unsigned.status, unsigned.headers.get('access-control-allow-origin')]).toEqual([403, origin])
    const bad = await test.raw({ method: 'PUT', key: 'k', body: 'x', headers: { origin, 'x-amz-tagging': '=' } })
    expect([outcome(bad), said(bad)['allow-origin']]).toEqual(['400 InvalidArgument', origin])
  })

  it('says nothing to others, to other methods, and of other buckets', async () => {
    const others = await test.raw({ method: 'GET', key: 'key', headers: { origin: 'https://example.org' } })
    expect([outcome(others), said(others), others.headers['vary']]).toEqual(['200', {}, VARY])
    const removal = await test.raw({ method: 'DELETE', key: 'missing', headers: { origin } })
    expect([outcome(removal), said(removal)]).toEqual(['204', {}])
    await test.s3.send(new CreateBucketCommand({ Bucket: 'another' }))
    const elsewhere = await sendRaw(test.s3Url, { method: 'GET', path: '/another', headers: { origin } })
    expect([outcome(elsewhere), said(elsewhere), elsewhere.headers['vary']]).toEqual(['200', {}, undefined])
  })

  it('without an origin says only what it depends on', async () => {
    const reply = await test.raw({ method: 'GET', key: 'key' })
    expect([said(reply), reply.headers['vary']]).toEqual([{}, VARY])
  })
})
