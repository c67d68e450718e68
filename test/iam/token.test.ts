import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, exportSPKI, importJWK, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, ISSUER, OBJECTS_CRN, OTHER_OBJECTS_CRN, serveIam, type TestServer } from './serve.ts'

const APIKEY_GRANT = 'urn:ibm:params:oauth:grant-type:apikey'
const CR_GRANT = 'urn:ibm:params:oauth:grant-type:cr-token'
const AUTHZ_GRANT = 'urn:ibm:params:oauth:grant-type:iam-authz'

let server: TestServer
beforeAll(async () => {
  server = await serveIam()
})
afterAll(() => server.close())

type Form = Record<string, string> | string
const ask = (body: Form, path?: string, headers?: Record<string, string>) => askAt(server, body, path, headers)

const askAt = async (
  { url }: TestServer,
  body: Form,
  path = '/identity/token',
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
  })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

describe('POST /identity/token', () => {
  it('gives a token for an API key, as the Key Protect and platform clients ask', async () => {
    const { status, body } = await ask({ apikey: 'k1', grant_type: APIKEY_GRANT, response_type: 'cloud_iam' })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      refresh_token: 'not_supported',
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'ibm openid',
    })
    expect(body.expiration).toBeGreaterThan(Date.now() / 1000 + 3500)
  })

  it('takes the empty parameters and the Basic header of the COS SDK', async () => {
    const form = {
      grant_type: APIKEY_GRANT,
      response_type: 'cloud_iam',
      apikey: 'k1',
      redirect_uri: '',
      client_id: 'k1',
      refresh_token: '',
    }
    const { status } = await ask(form, '/oidc/token', { Authorization: 'Basic Yng6Yng=' })
    expect(status).toBe(200)
  })

  it('signs what anybody can verify with /identity/keys', async () => {
    const { body } = await ask({ apikey: 'k1', grant_type: APIKEY_GRANT })
    const keys = JSON.parse(await (await fetch(`${server.url}/identity/keys`)).text())
    const { payload, protectedHeader } = await jwtVerify(body.access_token, createLocalJWKSet(keys), { issuer: ISSUER })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({
      iam_id: 'IBMid-main',
      account: { bss: ACCOUNT },
      email: 'main@example.com',
      realmid: 'IBMid',
    })
    expect(JSON.stringify(keys)).not.toMatch(/"(d|p|q|dp|dq|qi)"/)
  })

  it.each([
    ['an unknown key', { apikey: 'nope', grant_type: APIKEY_GRANT }, 400, 'BXNIM0415E'],
    ['a key named as a property', { apikey: '__proto__', grant_type: APIKEY_GRANT }, 400, 'BXNIM0415E'],
    ['no key', { grant_type: APIKEY_GRANT }, 400, 'BXNIM0109E'],
    ['no grant type', { apikey: 'k1' }, 400, 'BXNIM0109E'],
    ['a grant type named as a property', { apikey: 'k1', grant_type: 'constructor' }, 400, 'BXNIM0106E'],
    ['a password', { grant_type: 'password', username: 'u', password: 'p' }, 400, 'BXNIM0106E'],
    ['an authorization code', { grant_type: 'authorization_code', code: 'c' }, 400, 'BXNIM0106E'],
    ['a compute resource token', { grant_type: CR_GRANT, cr_token: 'c' }, 400, 'BXNIM0106E'],
    [
      'an answer of another kind',
      { apikey: 'k1', grant_type: APIKEY_GRANT, response_type: 'uaa,cloud_iam' },
      400,
      'BXNIM0106E',
    ],
    ['a refresh without a token', { grant_type: 'refresh_token', refresh_token: '' }, 400, 'BXNIM0109E'],
    ['a refresh token', { grant_type: 'refresh_token', refresh_token: 'not_supported' }, 400, 'BXNIM0407E'],
    ['nothing', '', 400, 'BXNIM0109E'],
    ['a bad escape', 'apikey=%E0%A4&grant_type=x', 400, 'BXNIM0106E'],
    ['a field twice', 'apikey=k1&apikey=k2&grant_type=x', 400, 'BXNIM0106E'],
    ['a form of 100 kB', `apikey=${'k'.repeat(100_000)}`, 413, 'BXNIM0106E'],
  ])('refuses %s in the words of IBM', async (_, form, status, errorCode) => {
    const answer = await ask(form)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({
      errorCode,
      errorMessage: expect.any(String),
      context: { requestId: expect.any(String) },
    })
    expect(JSON.stringify(answer.body)).not.toContain('k1')
  })
})

it('an access token has one text: no signature with other spare bits, padding or junk', async () => {
  const good = await server.token('k1')
  const [, , signature = ''] = good.split('.')
  const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map((last) => `${signature.slice(0, -1)}${last}`)
    .filter((twin) => twin !== signature && Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url')))
  expect(twins.length).toBeGreaterThan(0)
  const others = [...twins, `${signature}=`, `${signature}!`, `${signature} `]
  for (const other of others) {
    await expect(server.iam.verifyToken(good.replace(signature, other))).rejects.toMatchObject({ code: 'InvalidToken' })
  }
  await expect(server.iam.verifyToken(good)).resolves.toMatchObject({ iamId: 'IBMid-main' })
})

describe('a refresh token', () => {
  const BX = { Authorization: 'Basic Yng6Yng=' }
  const first = async (at: TestServer = server) =>
    (await askAt(at, { apikey: 'k1', grant_type: APIKEY_GRANT }, '/identity/token', BX)).body.refresh_token
  const refresh = (refreshToken: string, at: TestServer = server) =>
    askAt(at, { grant_type: 'refresh_token', refresh_token: refreshToken }, '/identity/token', BX)

  it('has one text: nothing before, behind or within it', async () => {
    const good = await first()
    for (const bad of [`${good}.`, `${good}=`, `${good} `, `${good}.junk`, ` ${good}`, `${good}\n`, `${good}!!`]) {
      expect(await refresh(bad)).toMatchObject({ status: 400, body: { errorCode: 'BXNIM0407E' } })
    }
    expect((await refresh(good)).status).toBe(200)
  })

  it('is given to the client bx and gives tokens, and refresh tokens again', async () => {
    const again = await refresh(await first())
    expect(again.status).toBe(200)
    expect(await server.iam.verifyToken(again.body.access_token)).toMatchObject({ iamId: 'IBMid-main' })
    expect((await refresh(again.body.refresh_token)).status).toBe(200)
  })

  it('is no access token, and an access token is none', async () => {
    await expect(server.iam.verifyToken(await first())).rejects.toMatchObject({ code: 'InvalidToken' })
    expect((await refresh(await server.token('k1'))).body.errorCode).toBe('BXNIM0407E')
  })

  it('is refused when a byte of it differs, or when it is too long', async () => {
    const bytes = Buffer.from(await first(), 'base64url')
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
    expect((await refresh(bytes.toString('base64url'))).body.errorCode).toBe('BXNIM0407E')
    expect((await refresh('A'.repeat(2000))).body.errorCode).toBe('BXNIM0407E')
  })

  it('ends with its life', async () => {
    const other = await serveIam()
    const token = await first(other)
    other.pass(30 * 86_400_000 - 1000)
    expect((await refresh(token, other)).status).toBe(200)
    other.pass(2000)
    expect((await refresh(token, other)).body.errorCode).toBe('BXNIM0408E')
    await other.close()
  })

  it('ends with its user', async () => {
    const id = { accountId: ACCOUNT, iamId: 'IBMid-refresher' }
    await server.iam.identities.putUser({ ...id, name: 'R', email: '', roles: {} })
    await server.iam.identities.putApiKey(id, 'kref')
    const { body } = await ask({ apikey: 'kref', grant_type: APIKEY_GRANT }, '/identity/token', BX)
    await server.iam.identities.deleteUser(id)
    expect((await refresh(body.refresh_token)).body.errorCode).toBe('BXNIM0407E')
  })
})

describe('a token for a service', () => {
  const askFor = async (apiKey: string, crn: string) =>
    ask({ grant_type: AUTHZ_GRANT, access_token: await server.token(apiKey), desired_iam_id: `crn-${crn}` })

  it('acts for an instance of the caller’s account', async () => {
    const { status, body } = await askFor('k1', OBJECTS_CRN)
    expect(status).toBe(200)
    expect(body.expires_in).toBe(1800)
    expect(await server.iam.verifyToken(body.access_token)).toMatchObject({
      type: 'service',
      iamId: `crn-${OBJECTS_CRN}`,
      accountId: ACCOUNT,
    })
  })

  it.each([
    ['a reader', 'kr', OBJECTS_CRN, 403],
    ['another account', 'k1', OTHER_OBJECTS_CRN, 403],
    ['an instance that is not there', 'k1', OBJECTS_CRN.replace('1111', '9999'), 403],
    ['what is no CRN', 'k1', 'nonsense', 400],
  ])('is refused to or for %s', async (_, apiKey, crn, status) => {
    expect((await askFor(apiKey, crn)).status).toBe(status)
  })

  it('is not given for a service token', async () => {
    const { body } = await askFor('k1', OBJECTS_CRN)
    const again = await ask({
      grant_type: AUTHZ_GRANT,
      access_token: body.access_token,
      desired_iam_id: `crn-${OBJECTS_CRN}`,
    })
    expect(again.status).toBe(400)
  })

  it('ends with the right of the user who asked for it', async () => {
    const owner = { accountId: ACCOUNT, iamId: 'IBMid-temporary' }
    const roles = { iam: 'Administrator' } as const
    await server.iam.identities.putUser({ ...owner, name: 'T', email: '', roles })
    await server.iam.identities.putApiKey(owner, 'kt')
    const { body } = await askFor('kt', OBJECTS_CRN)
    await expect(server.iam.verifyToken(body.access_token)).resolves.toBeDefined()
    await server.iam.identities.putUser({ ...owner, name: 'T', email: '', roles: { iam: 'Viewer' } })
    await expect(server.iam.verifyToken(body.access_token)).rejects.toThrow()
  })
})

describe('a token that is not ours', () => {
  const claims = () => ({ iam_id: 'IBMid-main', account: { bss: ACCOUNT }, iss: ISSUER, iat: 1, exp: 9_999_999_999 })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const keyId = () => String(server.iam.signingKeys.jwks().keys[0]?.kid)
  const refused = (jwt: string) => expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })

  it('has no signature', async () => {
    await refused(`${encode({ alg: 'none', kid: keyId() })}.${encode(claims())}.`)
    const [, payload = ''] = (await server.token('k1')).split('.')
    await refused(`${encode({ alg: 'none', kid: keyId() })}.${payload}.`)
  })

  it('is signed by HMAC with our public key as the secret', async () => {
    const jwk = server.iam.signingKeys.jwks().keys[0] ?? {}
    const publicKey = await importJWK(jwk, 'RS256', { extractable: true })
    if (publicKey instanceof Uint8Array) throw new Error('not a public key')
    const [, payload = ''] = (await server.token('k1')).split('.')
    const signed = `${encode({ alg: 'HS256', kid: keyId() })}.${payload}`
    await refused(
      `${signed}.${createHmac('sha256', await exportSPKI(publicKey))
        .update(signed)
        .digest('base64url')}`,
    )
  })

  it.each(['foreign key id', 'our key id', 'own key in the header'])(
    'is signed by another key under %s',
    async (kind) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const { verify: _, ...header } = {
        alg: 'RS256',
        verify: publicKey,
        kid: kind === 'our key id' ? keyId() : 'foreign',
      }
      const jwk = kind === 'own key in the header' ? { jwk: publicKey.export({ format: 'jwk' }) } : {}
      await refused(await new SignJWT(claims()).setProtectedHeader({ ...header, ...jwk }).sign(privateKey))
    },
  )

  it.each(['', 'x', 'a.b.c', '..', 'x'.repeat(10_000)])('is not even one: %.20s', refused)

  it('is one with a changed payload', async () => {
    const [header, payload = '', signature] = (await server.token('k1')).split('.')
    const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), iam_id: 'IBMid-reader' }
    await refused(`${header}.${encode(changed)}.${signature}`)
  })
})

describe('a token of ours', () => {
  it('expires after an hour', async () => {
    const other = await serveIam()
    const jwt = await other.token('k1')
    other.pass(3_599_000)
    await expect(other.iam.verifyToken(jwt)).resolves.toMatchObject({ iamId: 'IBMid-main' })
    other.pass(2_000)
    await expect(other.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'ExpiredToken' })
    await other.close()
  })

  it('is refused at once when its user is deleted, and stays so when the name comes again', async () => {
    const id = { accountId: ACCOUNT, iamId: 'IBMid-leaver' }
    const user = { ...id, name: 'Leaver', email: '', roles: {} }
    await server.iam.identities.putUser(user)
    await server.iam.identities.putApiKey(id, 'kl')
    const jwt = await server.token('kl')
    await expect(server.iam.verifyToken(jwt)).resolves.toBeDefined()
    await server.iam.identities.deleteUser(id)
    await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(server.token('kl')).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    await server.iam.identities.putUser(user)
    await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
  })
})
