import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { type HostileIssuer, json, part, rsaKey, startHostileIssuer, token } from '../support/hostile-issuer.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import type { RawS3Reply } from '../support/raw-s3.ts'
import { beginSso, finishSso, SSO_CLIENT, ssoSettings } from '../support/sso.ts'

const [rsa, stranger] = [rsaKey('rsa'), rsaKey('rsa')]
const CONFIGURATION = '/.well-known/openid-configuration'
const PUBLIC = 'http://console.test'

let offsetMs = 0
let idp: HostileIssuer
let house: TestHouse
beforeAll(async () => {
  idp = await startHostileIssuer([rsa.jwk])
  house = await startHouse({
    settings: ssoSettings(idp.issuer, PUBLIC),
    clock: { now: () => Date.now() + offsetMs },
  })
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await idp[Symbol.asyncDispose]()
})
/** What is known of the provider is asked for anew in each test. */
let tests = 0
/** What the provider answers a code with in place of a token. */
let instead: Parameters<HostileIssuer['answers']['set']>[1] | undefined
afterEach(() => {
  offsetMs = ++tests * 3_600_000
  idp.answers.clear()
  instead = undefined
})

const configuration = (more: object = {}) =>
  json({
    ...{ issuer: idp.issuer, jwks_uri: `${idp.issuer}/keys` },
    ...{ authorization_endpoint: `${idp.issuer}/auth?tenant=1`, token_endpoint: `${idp.issuer}/token` },
    ...more,
  })

const now = () => Math.floor((Date.now() + offsetMs) / 1000)
const claims = (nonce: string, more: object = {}) => ({
  ...{ iss: idp.issuer, sub: 'anna', aud: SSO_CLIENT.id, iat: now(), exp: now() + 600, nonce },
  ...{ email: mainAccount.user.email, email_verified: true },
  ...more,
})
type Said = (nonce: string) => string

/** Where the browser is led that comes back with a code, when the provider answers the code with this token. */
async function signIn(said: Said, answer: object = {}, told: object = {}): Promise<string> {
  if (!idp.answers.has(CONFIGURATION)) idp.answers.set(CONFIGURATION, configuration(told))
  const { cookie, url, reply } = await beginSso(house.objectsControlUrl, PUBLIC)
  if (url.searchParams.get('state') === null) return reply.headers.location ?? ''
  const idToken = said(url.searchParams.get('nonce') ?? '')
  idp.answers.set('/token', instead ?? json({ id_token: idToken, token_type: 'Bearer' }))
  const state = url.searchParams.get('state') ?? ''
  const { headers } = await finishSso(house.objectsControlUrl, cookie, { code: 'a', state, ...answer }, PUBLIC)
  if (headers.location === '/ui/') expect(headers['set-cookie']?.[0]).toContain('coffer_session=')
  else expect(headers['set-cookie']).toBeUndefined()
  return headers.location ?? ''
}

const REFUSED = '/ui/?sso=refused'
const genuine: Said = (nonce) => token(rsa, claims(nonce))
const with_ =
  (more: object): Said =>
  (nonce) =>
    token(rsa, claims(nonce, more))

describe('a token of the provider that people sign in with', () => {
  it('counts when all of it is right', async () => {
    expect(await signIn(genuine)).toBe('/ui/')
    expect(await signIn(with_({ aud: [SSO_CLIENT.id, 'another'], azp: SSO_CLIENT.id }))).toBe('/ui/')
  })

  it.each<[string, Said]>([
    ['with another nonce', () => token(rsa, claims('x'.repeat(43)))],
    ['without a nonce', with_({ nonce: undefined })],
    ['with several nonces', (nonce) => token(rsa, claims(nonce, { nonce: [nonce] }))],
    ['for another audience', with_({ aud: 'another' })],
    ['for another audience, whose party we are said to be', with_({ aud: 'another', azp: SSO_CLIENT.id })],
    ['for us, whose party is another', with_({ azp: 'another' })],
    ['for several, of which none is said to be the party', with_({ aud: [SSO_CLIENT.id, 'another'] })],
    ['of another issuer', with_({ iss: 'https://idp.example' })],
    ['of the issuer with a slash', (nonce) => token(rsa, claims(nonce, { iss: `${idp.issuer}/` }))],
    ['that has expired', (nonce) => token(rsa, claims(nonce, { iat: now() - 700, exp: now() - 61 }))],
    ['that begins to count later', (nonce) => token(rsa, claims(nonce, { nbf: now() + 120 }))],
    ['that was issued in the future', (nonce) => token(rsa, claims(nonce, { iat: now() + 120 }))],
    ['without an end', with_({ exp: undefined })],
    ['that nobody signed', (nonce) => `${part({ alg: 'none' })}.${part(claims(nonce))}.`],
    ['that says none and has a signature', (nonce) => token(rsa, claims(nonce), { alg: 'none' })],
    ['by a shared key that is the public one', (nonce) => token(rsa, claims(nonce), { alg: 'HS256', kid: 'rsa' })],
    ['by a key of somebody else', (nonce) => token(stranger, claims(nonce))],
    ['with another text than was signed', (nonce) => genuine(nonce).replace(/\.[^.]+\./, `.${part(claims(nonce))}x.`)],
    ['that is none', () => 'none'],
    ['with a claim twice', (nonce) => token(rsa, `{"nonce":"a",${JSON.stringify(claims(nonce)).slice(1)}`)],
  ])('lets nobody in %s', async (_, said) => {
    expect(await signIn(said)).toBe(REFUSED)
  })
})

describe('an answer', () => {
  it('of another issuer is none, nor is one that does not say whose it is where the provider always does', async () => {
    const before = idp.asked.get('/token') ?? 0
    expect(await signIn(genuine, { iss: 'https://idp.example' })).toBe(REFUSED)
    expect(idp.asked.get('/token') ?? 0).toBe(before)
    expect(await signIn(genuine, { iss: idp.issuer })).toBe('/ui/')
    offsetMs += 3_600_000
    idp.answers.clear()
    const told = { authorization_response_iss_parameter_supported: true }
    expect(await signIn(genuine, {}, told)).toBe(REFUSED)
    expect(await signIn(genuine, { iss: idp.issuer })).toBe('/ui/')
  })

  it('without a code, or with an error of any text, lets nobody in', async () => {
    expect(await signIn(genuine, { error: 'server_error' })).toBe(REFUSED)
    expect(await signIn(genuine, { error: '"\r\nset-cookie: a=b' })).toBe(REFUSED)
    expect(await signIn(genuine, { error: 'access_denied' })).toBe('/ui/?sso=denied')
  })
})

describe('a provider', () => {
  it('gets the code with the verifier and the secret, and at no other address than it shows', async () => {
    let form = new URLSearchParams()
    let authorization = ''
    instead = (response, incoming) => {
      authorization = incoming.headers.authorization ?? ''
      void text(incoming).then((body) => {
        form = new URLSearchParams(body)
        response.end('{}')
      })
    }
    expect(await signIn(genuine)).toBe(REFUSED)
    const { code_verifier = '', ...rest } = Object.fromEntries(form)
    const redirect_uri = `${PUBLIC}/ui/session/oidc/callback`
    expect(rest).toEqual({ grant_type: 'authorization_code', code: 'a', redirect_uri })
    expect(code_verifier).toMatch(/^[\w-]{43}$/)
    const given = Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8')
    expect(new URLSearchParams(given.replace(':', '=')).get(SSO_CLIENT.id)).toBe(SSO_CLIENT.secret)
  })

  it.each([
    ['another issuer', { issuer: 'https://idp.example' }],
    ['no place to log in', { authorization_endpoint: undefined }],
    ['a script as the place to log in', { authorization_endpoint: 'javascript:alert(1)//' }],
    ['a place to log in without TLS elsewhere', { authorization_endpoint: 'http://idp.example/auth' }],
  ])('is not followed to %s', async (_, told) => {
    expect(await signIn(genuine, {}, told)).toBe(REFUSED)
  })

  it.each([
    ['inside', 'https://10.0.0.1/token', '/ui/?sso=unreachable'],
    ['of this machine’s metadata', 'https://169.254.169.254/token', '/ui/?sso=unreachable'],
    ['without TLS elsewhere', 'http://10.0.0.1/token', REFUSED],
  ])('has no code sent to an address %s', async (_, token_endpoint, expected) => {
    expect(await signIn(genuine, {}, { token_endpoint })).toBe(expected)
  })

  it('that leads elsewhere, tells too much or breaks off is said not to answer, or to be wrong', async () => {
    instead = (response) => void response.writeHead(307, { location: `${idp.issuer}/keys` }).end()
    expect(await signIn(genuine)).toBe(REFUSED)
    instead = (response) => void response.end('x'.repeat(300 * 1024))
    expect(await signIn(genuine)).toBe(REFUSED)
    instead = (response) => void response.socket?.destroy()
    expect(await signIn(genuine)).toBe('/ui/?sso=unreachable')
    instead = (response) => void response.writeHead(503).end()
    expect(await signIn(genuine)).toBe('/ui/?sso=unreachable')
  })

  it('that does not answer at all is told of at the button', async () => {
    idp.answers.set(CONFIGURATION, (response) => void response.socket?.destroy())
    expect(await signIn(genuine)).toBe('/ui/?sso=unreachable')
  })
})

describe('the console', () => {
  it('behind TLS has cookies for TLS alone, and looks at no more answers from where too many were refused', async () => {
    const secure = {
      ...ssoSettings(idp.issuer, 'https://console.test'),
      COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '2',
    }
    await using other = await startHouse({ settings: secure })
    idp.answers.set(CONFIGURATION, configuration())
    const url = other.objectsControlUrl
    const begun = await beginSso(url, 'https://console.test')
    expect(begun.url.searchParams.get('redirect_uri')).toBe('https://console.test/ui/session/oidc/callback')
    expect(begun.reply.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/)
    const finish = async (state: string): Promise<RawS3Reply> =>
      finishSso(url, begun.cookie, { code: 'a', state }, 'https://console.test')
    const idToken = token(rsa, {
      ...claims(begun.url.searchParams.get('nonce') ?? ''),
      iat: seconds(),
      exp: seconds() + 60,
    })
    idp.answers.set('/token', json({ id_token: idToken }))
    const state = begun.url.searchParams.get('state') ?? ''
    expect((await finish('x')).headers.location).toBe('/ui/?sso=again')
    expect((await finish(state)).headers['set-cookie']?.[0]).toMatch(/^coffer_session=.*; SameSite=Strict; Secure$/)
    expect((await finish(state)).headers.location).toBe('/ui/?sso=again')
    expect((await finish(state)).status).toBe(429)
  })

  it('that is turned off lets nobody sign in', async () => {
    const off = { ...ssoSettings(idp.issuer, PUBLIC), COFFER_CONSOLE: 'false' }
    await using other = await startHouse({ settings: off })
    expect((await beginSso(other.objectsControlUrl, PUBLIC)).reply.status).toBe(404)
  })
})

const seconds = () => Math.floor(Date.now() / 1000)
