import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutBucketWebsiteCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type RawS3Reply, replyOf, sendRaw, startRaw } from '../support/raw-s3.ts'

let test: TestHouse
let s3: S3Client
beforeAll(async () => {
  test = await startHouse({
    settings: { COFFER_S3_DOMAIN: 's3.test', COFFER_S3_WEBSITE_DOMAIN: 'web.test, web.s3.test' },
  })
  s3 = test.client()
  for (const Bucket of ['site', 'www.example.com', 'private', 'empty'])
    await s3.send(new CreateBucketCommand({ Bucket }))
  for (const Bucket of ['site', 'www.example.com', 'empty']) await open(Bucket)
  await put('index.html', 'the front page', { ContentType: 'text/html' })
  await put('docs/index.html', 'the docs')
  await put('page', 'a page', { ContentType: 'text/plain', Metadata: { colour: 'red' } })
  await put('secret/page', 'nobody reads this')
  await put('secret/index.html', 'nor this')
  await put('errors/4xx.html', 'so sorry', { ContentType: 'text/html' })
  await put('moved', 'not shown', { WebsiteRedirectLocation: '/page' })
  await put('moved-away', 'x', { WebsiteRedirectLocation: 'https://example.com/there' })
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}, Bucket = 'site') =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const configure = (WebsiteConfiguration: WebsiteConfiguration, Bucket = 'site') =>
  s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }))

/** Anybody may read what is not below `secret/`. */
async function open(Bucket: string): Promise<void> {
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
  const read = { Action: 's3:GetObject', Principal: '*' }
  const Statement = [
    { ...read, Effect: 'Allow', Resource: `arn:aws:s3:::${Bucket}/*` },
    { ...read, Effect: 'Deny', Resource: `arn:aws:s3:::${Bucket}/secret/*` },
  ]
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }))
}

const INDEX = { IndexDocument: { Suffix: 'index.html' } }
const ERRORS = { ErrorDocument: { Key: 'errors/4xx.html' } }
const page = async (target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<RawS3Reply> => {
  const outgoing = startRaw(test.s3Url, { method, target, headers: { host: 'site.web.test', ...headers } })
  outgoing.end()
  return replyOf(outgoing)
}
const seen = ({ status, headers, body }: RawS3Reply) => [status, headers.location ?? body.toString()]

describe('a website', () => {
  beforeEach(() => configure({ ...INDEX, ...ERRORS }))

  it('shows the index of a folder, and pages with their headers, to anybody', async () => {
    expect(seen(await page('/'))).toEqual([200, 'the front page'])
    expect(seen(await page('/docs/'))).toEqual([200, 'the docs'])
    const reply = await page('/page?versionId=ignored&acl')
    expect(seen(reply)).toEqual([200, 'a page'])
    expect(reply.headers).toMatchObject({ 'content-type': 'text/plain', 'x-amz-meta-colour': 'red' })
  })

  it('is the bucket that the host begins with, dots or not, under the longest domain', async () => {
    await configure(INDEX, 'www.example.com')
    await put('index.html', 'another site', {}, 'www.example.com')
    expect(seen(await page('/', { host: 'www.example.com.web.test:80' }))).toEqual([200, 'another site'])
    expect(seen(await page('/', { host: 'SITE.web.s3.test' }))).toEqual([200, 'the front page'])
    const api = await sendRaw(test.s3Url, { method: 'GET', path: '/page', headers: { host: 'site.s3.test' } })
    expect(seen(api)).toEqual([200, 'a page'])
  })

  it('knows conditions, ranges and HEAD', async () => {
    const { headers } = await page('/page')
    const etag = String(headers.etag)
    expect((await page('/page', { 'if-none-match': etag })).status).toBe(304)
    expect(seen(await page('/page', { range: 'bytes=2-' }))).toEqual([206, 'page'])
    const head = await page('/docs/', {}, 'HEAD')
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '8', 0])
  })

  it('leads from a folder without its slash to the folder, if there is a page for anybody', async () => {
    expect(seen(await page('/docs'))).toEqual([302, '/docs/'])
    expect((await page('/secret')).status).toBe(403)
    expect((await page('/nothing')).status).toBe(403)
  })

  it('leads where an object says', async () => {
    expect(seen(await page('/moved'))).toEqual([301, '/page'])
    expect(seen(await page('/moved-away'))).toEqual([301, 'https://example.com/there'])
  })

  it('asks nobody who they are, and lets nobody in who says', async () => {
    const signed = await sendRaw(test.s3Url, {
      ...{ method: 'GET', path: '/secret/page', headers: { host: 'site.web.test' } },
    })
    expect(seen(signed)).toEqual([403, 'so sorry'])
    expect(seen(await page('/page', { authorization: 'nonsense' }))).toEqual([200, 'a page'])
  })

  it('shows its own page for what is missing or forbidden, with the status and the reason', async () => {
    const reply = await page('/nothing', { range: 'bytes=0-1', 'if-none-match': '*' })
    // Who may not list is not told what is missing.
    expect(seen(reply)).toEqual([403, 'so sorry'])
    expect(reply.headers).toMatchObject({ 'content-type': 'text/html', 'x-amz-error-code': 'AccessDenied' })
    const head = await page('/nothing', {}, 'HEAD')
    expect([head.status, head.body.length, head.headers['x-amz-error-code']]).toEqual([403, 0, 'AccessDenied'])
  })

  it('shows a page of ours when it has none', async () => {
    await configure(INDEX)
    const reply = await page('/secret/page')
    expect(reply.status).toBe(403)
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(reply.body.toString()).toContain('<li>Code: AccessDenied</li>')
    await configure({ ...INDEX, ErrorDocument: { Key: 'secret/page' } })
    const twice = (await page('/nothing')).body.toString()
    expect(twice).toContain('An Error Occurred While Attempting to Retrieve a Custom Error Document')
    expect(twice.match(/<li>Code: AccessDenied<\/li>/g)).toHaveLength(2)
  })

  it('escapes what it tells of the address', async () => {
    await configure(INDEX)
    const { body } = await page('/%3Cscript%3Ealert(1)%3C/script%3E')
    expect(body.toString()).not.toContain('<script>')
  })

  it.each(['PUT', 'POST', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
    const reply = await page('/page', {}, method)
    expect([reply.status, reply.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect(reply.body.toString()).toContain('<li>Code: MethodNotAllowed</li>')
    expect(seen(await page('/page'))).toEqual([200, 'a page'])
  })
})

describe('the rules of a website', () => {
  it('lead elsewhere before and after a page is looked for', async () => {
    await configure({
      ...INDEX,
      ...ERRORS,
      RoutingRules: [
        {
          Condition: { KeyPrefixEquals: 'old/' },
          Redirect: { ReplaceKeyPrefixWith: 'docs/', HttpRedirectCode: '308' },
        },
        {
          Condition: { HttpErrorCodeReturnedEquals: '403', KeyPrefixEquals: 'secret/' },
          Redirect: { HostName: 'login.example.com', Protocol: 'https', ReplaceKeyWith: 'login' },
        },
      ],
    })
    expect(seen(await page('/old/a%20b?q=1'))).toEqual([308, 'http://site.web.test/docs/a%20b?q=1'])
    expect(seen(await page('/secret/page'))).toEqual([301, 'https://login.example.com/login'])
    expect(seen(await page('/nothing'))).toEqual([403, 'so sorry'])
    expect(seen(await page('/page'))).toEqual([200, 'a page'])
  })

  it('may lead all requests elsewhere', async () => {
    await configure({ RedirectAllRequestsTo: { HostName: 'example.com' } })
    expect(seen(await page('/page?a=b'))).toEqual([301, 'http://example.com/page?a=b'])
    expect(seen(await page('/'))).toEqual([301, 'http://example.com/'])
  })

  it('leaves a line in the access log, also where it only leads elsewhere', async () => {
    await configure({ RedirectAllRequestsTo: { HostName: 'example.com' } })
    await s3.send(new CreateBucketCommand({ Bucket: 'site-logs' }))
    const LoggingEnabled = { TargetBucket: 'site-logs', TargetPrefix: 'log' }
    await s3.send(new PutBucketLoggingCommand({ Bucket: 'site', BucketLoggingStatus: { LoggingEnabled } }))
    await page('/page')
    await s3.send(new PutBucketLoggingCommand({ Bucket: 'site', BucketLoggingStatus: {} }))
    await test.house.objects.accessLogs.flush()
    const [log] = (await s3.send(new ListObjectsV2Command({ Bucket: 'site-logs' }))).Contents ?? []
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'site-logs', Key: log?.Key }))
    expect(await Body?.transformToString()).toMatch(/ WEBSITE\.GET\.OBJECT page "GET \/page HTTP\/1\.1" 301 /)
  })
})

describe('what has no website', () => {
  it.each([
    ['a bucket without one', 'empty.web.test', 404, 'NoSuchWebsiteConfiguration'],
    ['a bucket that is not there', 'nowhere.web.test', 404, 'NoSuchBucket'],
    ['the domain itself', 'web.test', 404, 'NoSuchBucket'],
  ])('%s says so', async (_what, host, status, code) => {
    const reply = await page('/', { host })
    expect([reply.status, reply.headers['x-amz-error-code']]).toEqual([status, code])
    expect(reply.body.toString()).toContain(`<li>Code: ${code}</li>`)
  })

  it('a bucket that is closed shows nothing', async () => {
    await put('index.html', 'closed', {}, 'private')
    await configure(INDEX, 'private')
    const reply = await page('/', { host: 'private.web.test' })
    expect([reply.status, reply.body.includes('closed')]).toEqual([403, false])
  })
})
