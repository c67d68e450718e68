import { randomBytes } from 'node:crypto'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { type ConsoleClient, mainApiKey, sessionCookieAt, signInAt } from '../support/console-client.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { queryApi } from '../support/query-api.ts'
import { bearer, sendPlain } from '../support/send.ts'

const BUCKET = 'gated'
const MIB = 1024 ** 2

let test: TestHouse
let url: string
let main: ConsoleClient
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  url = test.objectsControlUrl
  main = await signInAt(url)
  expect((await put(`/ui/s3/${BUCKET}`, '')).status).toBe(200)
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (target: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  main.send({ method: 'PUT', target, body, headers })
const get = (target: string, headers: Record<string, string> = {}) => main.send({ method: 'GET', target, headers })
const json = (reply: { readonly body: Buffer }) => JSON.parse(String(reply.body))
const codeOf = (reply: { readonly body: Buffer }): string => json(reply).error.code

describe('S3 through the gate', () => {
  it('streams what is written and read, and is the same S3', async () => {
    const content = randomBytes(9 * MIB)
    expect((await put(`/ui/s3/${BUCKET}/a%2Fb%20c.bin`, content)).status).toBe(200)
    const direct = await test.client().send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a/b c.bin' }))
    expect(Buffer.from((await direct.Body?.transformToByteArray()) ?? []).equals(content)).toBe(true)
    const read = await get(`/ui/s3/${BUCKET}/a%2Fb%20c.bin`, { range: `bytes=${8 * MIB}-` })
    expect(read.status).toBe(206)
    expect(read.body.equals(content.subarray(8 * MIB))).toBe(true)
  })

  it.each(['..', 'a/../b', '/', '//x', './.', 'ui/s3/x'])('takes the key %j as it is', async (key) => {
    expect((await put(`/ui/s3/${BUCKET}/${encodeURIComponent(key)}`, 'x')).status).toBe(200)
    await test.client().send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }))
  })

  it('answers what a page cannot be made of, whatever the object and the request say', async () => {
    const page = '<script>fetch("/ui/session")</script>'
    const headers = { 'content-type': 'text/html', 'content-disposition': 'inline', 'cache-control': 'public' }
    await put(`/ui/s3/${BUCKET}/evil.html`, page, headers)
    const query = '?response-content-type=text/html&response-content-disposition=inline'
    for (const target of [
      `/ui/s3/${BUCKET}/evil.html`,
      `/ui/s3/${BUCKET}/evil.html${query}`,
      `/ui/preview/${BUCKET}/evil.html`,
    ]) {
      const reply = await get(target)
      expect([target, reply.status]).toEqual([target, 200])
      expect(reply.headers).toMatchObject({
        'content-security-policy': "sandbox; default-src 'none'",
        'content-disposition': "attachment; filename*=UTF-8''evil.html",
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      })
    }
    const listed = await get(`/ui/s3/${BUCKET}`)
    expect(listed.headers['content-security-policy']).toBe("sandbox; default-src 'none'")
  })

  it.each([
    ['image/png', 'image/png', 'inline'],
    ['application/json', 'text/plain; charset=utf-8', 'inline'],
    ['text/plain', 'text/plain; charset=utf-8', 'inline'],
    ['image/svg+xml', 'image/svg+xml', "attachment; filename*=UTF-8''thing"],
    ['application/xhtml+xml', 'application/xhtml+xml', "attachment; filename*=UTF-8''thing"],
  ])('previews %s as %s, %s', async (type, shown, disposition) => {
    await put(`/ui/s3/${BUCKET}/thing`, 'x', { 'content-type': type })
    const reply = await get(`/ui/preview/${BUCKET}/thing`)
    expect([reply.headers['content-type'], reply.headers['content-disposition']]).toEqual([shown, disposition])
    expect(reply.headers['content-security-policy']).toContain('sandbox')
    expect(String(reply.body)).toBe('x')
  })

  it.each([
    'text/javascript',
    'application/javascript; charset=utf-8',
    'Text/ECMAScript',
    'text/css',
    'text/plain;, text/css',
  ])('answers %s as what no page obeys', async (type) => {
    await put(`/ui/s3/${BUCKET}/obeyed`, 'alert(1)', { 'content-type': type })
    expect((await get(`/ui/s3/${BUCKET}/obeyed`)).headers['content-type']).toBe('application/octet-stream')
    expect((await get(`/ui/preview/${BUCKET}/obeyed`)).headers['content-type']).not.toMatch(/script|css/)
    const overridden = `/ui/s3/${BUCKET}/evil.html?response-content-type=${encodeURIComponent(type)}`
    expect((await get(overridden)).headers['content-type']).toBe('application/octet-stream')
    const head = await main.send({ method: 'HEAD', target: `/ui/s3/${BUCKET}/obeyed` })
    expect(head.headers['content-type']).toBe(type)
  })

  it('previews nothing but objects', async () => {
    expect(codeOf(await get(`/ui/preview/${BUCKET}/thing?acl`))).toBe('NotAPreview')
    expect(codeOf(await put(`/ui/preview/${BUCKET}/thing`, 'x'))).toBe('NotAPreview')
  })
})

describe('whoever is not at a page of the console', () => {
  const count = async () => json(await get('/ui/api/admin/v1/buckets')).buckets.length
  it.each([
    ['shows no token', () => ({ 'x-coffer-csrf': '' }), 'CsrfTokenInvalid'],
    ['shows another one', () => ({ 'x-coffer-csrf': 'x'.repeat(43) }), 'CsrfTokenInvalid'],
    ['comes from another site', () => ({ 'sec-fetch-site': 'cross-site' }), 'ForeignOrigin'],
    ['comes from another port of the host', () => ({ 'sec-fetch-site': 'same-site' }), 'ForeignOrigin'],
    ['has no such session', () => ({ cookie: sessionCookieAt(url, 'A'.repeat(43)) }), 'NoSession'],
    ['has two sessions', () => ({ cookie: `${main.cookie}; ${main.cookie}` }), 'NoSession'],
    ['has none', () => ({ cookie: '' }), 'NoSession'],
  ])('changes nothing: %s', async (_, headersOf, code) => {
    const before = await count()
    for (const target of ['/ui/s3/taken', '/ui/api/api/v2/key_rings/taken']) {
      const method = target.startsWith('/ui/s3') ? 'PUT' : 'POST'
      const reply = await main.send({ method, target, headers: headersOf() })
      expect([reply.status === 401 || reply.status === 403, codeOf(reply)]).toEqual([true, code])
    }
    expect(await count()).toBe(before)
  })

  it('is known by the origin where a browser says no more', async () => {
    const { cookie, csrfToken } = main
    const send = (origin: string) => {
      const headers = { cookie, 'x-coffer-csrf': csrfToken, origin }
      return sendPlain(url, { method: 'PUT', target: `/ui/s3/${BUCKET}/o`, body: 'x', headers })
    }
    expect(codeOf(await send('http://evil.example'))).toBe('ForeignOrigin')
    expect(codeOf(await send('null'))).toBe('ForeignOrigin')
    expect((await send(url)).status).toBe(200)
  })

  it('reads nothing from another site’s page', async () => {
    expect(codeOf(await get(`/ui/s3/${BUCKET}/thing`, { 'sec-fetch-site': 'cross-site' }))).toBe('ForeignOrigin')
  })
})

describe('the gate', () => {
  it('believes the session, and nothing that a request says of who asks', async () => {
    const token = await iamToken(test.controlUrl, otherAccount.user.apiKey)
    const listed = await get('/ui/s3/', { ...bearer(token), 'x-amz-security-token': 'x' })
    expect(String(listed.body)).toContain(BUCKET)
    expect(String(listed.body)).toContain(mainAccount.id)
    const refused = await get('/ui/s3/', { 'ibm-service-instance-id': otherAccount.objectStorageInstance })
    expect(refused.status).toBe(403)
  })

  it('gives no more rights than the one who signed in has', async () => {
    const made = await main.send({
      method: 'POST',
      target: '/ui/api/v1/serviceids',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account_id: mainAccount.id, name: 'nobody', apikey: { name: 'key' } }),
    })
    expect(made.status).toBe(201)
    const nobody = await signInAt(url, { apiKey: json(made).apikey.apikey })
    expect((await nobody.send({ method: 'GET', target: `/ui/s3/${BUCKET}/thing` })).status).toBe(403)
    const keys = { 'bluemix-instance': mainAccount.keyProtectInstance }
    expect((await nobody.send({ method: 'GET', target: '/ui/api/api/v2/keys', headers: keys })).status).not.toBe(200)
    expect((await get('/ui/api/api/v2/keys', keys)).status).toBe(200)
  })

  it('ends a session whose credentials are no longer good', async () => {
    const make = (target: string, body: object) =>
      main.send({ method: 'POST', target, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const ofUser = { account_id: mainAccount.id, iam_id: mainAccount.user.iamId, name: 'short' }
    const apiKey = json(await make('/ui/api/v1/apikeys', ofUser))
    const pair = json(
      await make('/ui/api/v2/resource_keys', {
        name: 'pair',
        source: objectStorageCrn(mainAccount),
        parameters: { HMAC: true },
        role: 'Manager',
      }),
    )
    const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = pair.credentials.cos_hmac_keys
    for (const [credentials, target] of [
      [{ apiKey: apiKey.apikey }, `/ui/api/v1/apikeys/${apiKey.id}`],
      [{ accessKeyId, secretAccessKey }, `/ui/api/v2/resource_keys/${pair.guid}`],
    ] as const) {
      const session = await signInAt(url, credentials)
      expect((await session.send({ method: 'GET', target: '/ui/s3/' })).status).toBe(200)
      expect((await main.send({ method: 'DELETE', target })).status).toBe(204)
      const reply = await session.send({ method: 'GET', target: '/ui/s3/' })
      expect([reply.status, codeOf(reply)]).toEqual([401, 'NoSession'])
    }
  })

  it('serves users of AWS’s kind by their own policies', async () => {
    const iam = queryApi(test.s3Url, 'iam')
    await iam('CreateUser', { UserName: 'anna' })
    const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: `arn:aws:s3:::${BUCKET}/thing` }
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    await iam('PutUserPolicy', { UserName: 'anna', PolicyName: 'p', PolicyDocument })
    const key = await iam('CreateAccessKey', { UserName: 'anna' })
    const anna = await signInAt(url, {
      accessKeyId: key.text('AccessKeyId'),
      secretAccessKey: key.text('SecretAccessKey'),
    })
    const ask = async (target: string) => (await anna.send({ method: 'GET', target })).status
    expect([await ask(`/ui/s3/${BUCKET}/thing`), await ask(`/ui/s3/${BUCKET}`)]).toEqual([200, 403])
    expect(json(await anna.send({ method: 'GET', target: '/ui/session' })).user).toMatchObject({
      arn: `arn:aws:iam::${mainAccount.id}:user/anna`,
    })
  })

  it('calls the query APIs of IAM as the one who signed in, and makes no temporary credentials', async () => {
    const nobody = await signInAt(url, mainApiKey)
    const ask = (Action: string, Version: string) =>
      nobody.send({
        ...{ method: 'POST', target: '/ui/s3/', body: new URLSearchParams({ Action, Version }).toString() },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    const listed = await ask('ListUsers', '2010-05-08')
    expect([listed.status, String(listed.body).includes('ListUsersResponse')]).toEqual([200, true])
    expect((await ask('GetSessionToken', '2011-06-15')).status).toBe(403)
  })

  it('gives who signed in with temporary credentials nothing that outlives them', async () => {
    const made = await queryApi(test.s3Url, 'sts')('GetSessionToken')
    const temporary = await signInAt(url, {
      accessKeyId: made.text('AccessKeyId'),
      secretAccessKey: made.text('SecretAccessKey'),
      sessionToken: made.text('SessionToken'),
    })
    expect((await temporary.send({ method: 'GET', target: `/ui/s3/${BUCKET}/thing` })).status).toBe(200)
    const ask = (Action: string, parameters: object) =>
      temporary.send({
        ...{ method: 'POST', target: '/ui/s3/' },
        body: new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    const make = (target: string, body: object) =>
      temporary.send({
        ...{ method: 'POST', target: `/ui/api${target}`, body: JSON.stringify(body) },
        headers: { 'content-type': 'application/json' },
      })
    const ofUser = { account_id: mainAccount.id, iam_id: mainAccount.user.iamId, name: 'lasting' }
    const refused = await Promise.all([
      ask('CreateUser', { UserName: 'lasting' }),
      ask('CreateAccessKey', { UserName: 'anna' }),
      make('/v1/apikeys', ofUser),
      make('/v1/serviceids', { account_id: mainAccount.id, name: 'lasting' }),
      make('/v2/resource_keys', { name: 'lasting', source: objectStorageCrn(mainAccount), role: 'Manager' }),
      make('/v1/policies', { type: 'access' }),
    ])
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403])
    const link = await make('/admin/v1/share', { bucket: BUCKET, key: 'thing' })
    expect([link.status, codeOf(link)]).toEqual([409, 'NoAccessKey'])
  })

  it.each([
    ['/ui/api/../../s3/', 404],
    ['/ui/api//api/v2/keys', 404],
    ['/ui/api/ui/s3/', 404],
    ['/ui/s3x/', 503],
    ['/ui/apix', 503],
    ['/ui/assets/../../../package.json', 404],
    ['/ui/assets/%2e%2e%2f%2e%2e%2fpackage.json', 404],
    ['/ui/assets/..', 404],
    ['/ui%2fs3/', 404],
    ['/UI/s3/', 404],
  ])('has nothing at %s', async (target, status) => {
    const reply = await get(target)
    // The page of the console, where it is built: not what the path would be a trick for.
    const isPage = reply.headers['content-type']?.startsWith('text/html')
    expect(isPage ? 503 : reply.status).toBe(status)
    expect(String(reply.body)).not.toContain('"dependencies"')
    expect(String(reply.body)).not.toContain('ListAllMyBuckets')
  })
})
