import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { sessionCookieAt } from '../support/console-client.ts'
import { iamToken } from '../support/control-api.ts'
import { freePort } from '../support/free-port.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { bearer, sendPlain } from '../support/send.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { beginSso, finishSso, SSO_CALLBACK, SSO_CLIENT, ssoSettings } from '../support/sso.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

let provider: IdentityProvider
let server: ServerProcess
let url: string
const scope = new AsyncDisposableStack()
beforeAll(async () => {
  const controlPort = await freePort()
  url = `http://127.0.0.1:${controlPort}`
  provider = scope.use(
    await startIdentityProvider({ confidential: { ...SSO_CLIENT, redirectUri: url + SSO_CALLBACK } }),
  )
  const { path: directory } = scope.use(await temporaryDirectory())
  server = scope.use(
    await startServerProcess({
      ...{ dataDir: path.join(directory, 'data'), controlPort },
      bootstrapFile: await writeBootstrapFile(path.join(directory, 'bootstrap.json'), [mainAccount]),
      settings: ssoSettings(provider.issuer, url),
    }),
  )
  say('main', mainAccount.user.email)
})
afterAll(() => scope.disposeAsync())

const say = (name: string, email: string, more: object = {}) =>
  provider.claims.set(name, { email, email_verified: true, ...more })

/** Where the browser ends up after somebody logged in, and what it got there. */
async function signIn(name: string | undefined, to?: string) {
  provider.atTheKeyboard.name = name
  const begun = await beginSso(url, url, to)
  const back = await provider.browse(begun.url.href)
  const answer = Object.fromEntries(back.searchParams)
  const reply = await finishSso(url, begun.cookie, answer)
  const cookie = String(reply.headers['set-cookie']?.[0]).split(';', 1)[0] ?? ''
  return { ...begun, answer, reply, cookie, begunCookie: begun.cookie, location: reply.headers.location }
}

const sessionOf = async (cookie: string) => {
  const reply = await sendPlain(url, { method: 'GET', target: '/ui/session', headers: { cookie } })
  return { status: reply.status, body: JSON.parse(String(reply.body)) }
}

/** As the administrator. */
const administer = async (method: string, target: string, body?: object): Promise<Response> =>
  fetch(`${url}/v2/accounts/${mainAccount.id}/users${target}`, {
    ...{ method, headers: { ...bearer(await iamToken(url)), 'content-type': 'application/json' } },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })

async function invite(email: string): Promise<string> {
  const reply = await administer('POST', '', { users: [{ email, account_role: 'Member' }] })
  return JSON.parse(await reply.text()).resources[0].id
}

describe('signing in with an identity provider', () => {
  it('asks it for a code with PKCE, for this console and this browser alone', async () => {
    const { url: asked, reply } = await beginSso(url)
    const { state = '', nonce = '', code_challenge = '', ...rest } = Object.fromEntries(asked.searchParams)
    expect(rest).toEqual({
      ...{ response_type: 'code', client_id: SSO_CLIENT.id, redirect_uri: url + SSO_CALLBACK, scope: 'openid email' },
      code_challenge_method: 'S256',
    })
    const cookie = String(reply.headers['set-cookie']?.[0])
    expect(cookie).toMatch(/^coffer_sso_\d+=[\w.-]+; Path=\/ui\/session\/oidc; HttpOnly; SameSite=Lax; Max-Age=600$/)
    // What goes through the address bar tells nobody what the browser keeps.
    for (const one of [state, nonce, code_challenge]) {
      expect(one).toHaveLength(43)
      expect(cookie).not.toContain(one)
    }
    const again = await beginSso(url)
    expect(again.url.searchParams.get('state')).not.toBe(state)
  })

  it('lets in the user of the account with the verified address, to the page that was asked for, with no more rights', async () => {
    const { reply, cookie, location } = await signIn('main', '/ui/buckets?a=b')
    expect([reply.status, location]).toEqual([303, '/ui/buckets?a=b'])
    expect(reply.headers['set-cookie']?.[0]).toMatch(
      /^coffer_session_\d+=[\w-]{43}; Path=\/ui; HttpOnly; SameSite=Strict$/,
    )
    const { body } = await sessionOf(cookie)
    expect(body).toMatchObject({ user: { iamId: mainAccount.user.iamId }, signedInBy: 'oidc', sso: 'SSO' })
    const send = (target: string) => sendPlain(url, { method: 'GET', target, headers: { cookie } })
    expect((await send('/ui/s3/')).status).toBe(200)

    const email = 'Guest@Example.com'
    await invite(email)
    say('guest', 'guest@example.com')
    const guest = await signIn('guest')
    expect((await sessionOf(guest.cookie)).body.user.email).toBe(email)
    const refused = await sendPlain(url, { method: 'GET', target: '/ui/s3/', headers: { cookie: guest.cookie } })
    expect([refused.status, String(refused.body)]).toEqual([403, expect.stringContaining('AccessDenied')])
  })

  it('ends with the user: deleted, shut out, or made anew', async () => {
    for (const end of [
      (id: string) => administer('DELETE', `/${id}`),
      (id: string) => administer('PATCH', `/${id}`, { state: 'DISABLED_CLASSIC_INFRASTRUCTURE' }),
      async (id: string) => {
        const reply = await administer('DELETE', `/${id}`)
        await invite('leaver@example.com')
        return reply
      },
    ]) {
      const id = await invite('leaver@example.com')
      say('leaver', 'leaver@example.com')
      const { cookie } = await signIn('leaver')
      expect((await sessionOf(cookie)).status).toBe(200)
      expect((await end(id)).status).toBeLessThan(300)
      const reply = await sendPlain(url, { method: 'GET', target: '/ui/s3/', headers: { cookie } })
      expect([reply.status, JSON.parse(String(reply.body)).error.code]).toEqual([401, 'NoSession'])
      expect((await sessionOf(cookie)).status).toBe(401)
      await administer('DELETE', `/${id}`)
    }
  })

  it.each([
    ['who has no user here', 'stranger', { email: 'stranger@example.com' }],
    ['whose address the provider did not verify', 'unverified', { email_verified: false }],
    ['whose provider does not say whether it did', 'unsaid', { email_verified: undefined }],
    ['whose provider says so in another way', 'text', { email_verified: 'true' }],
  ])('does not let in somebody %s, and makes no user', async (_, name, claims) => {
    say(name, mainAccount.user.email, claims)
    const before = await (await administer('GET', '')).json()
    const { reply, location } = await signIn(name)
    expect([reply.status, location, reply.headers['set-cookie']]).toEqual([303, '/ui/?sso=nobody', undefined])
    expect(await (await administer('GET', '')).json()).toEqual(before)
  })

  it('says so when somebody does not want to', async () => {
    const { location, answer } = await signIn(undefined)
    expect(answer['error']).toBe('access_denied')
    expect(location).toBe('/ui/?sso=denied')
  })

  it('takes no answer twice, and none that another browser asked for', async () => {
    const { answer, begunCookie } = await signIn('main')
    const replayed = await finishSso(url, begunCookie, answer)
    expect([replayed.headers.location, replayed.headers['set-cookie']]).toEqual(['/ui/?sso=again', undefined])

    // The code again, under a state that is new.
    const fresh = await beginSso(url)
    const state = fresh.url.searchParams.get('state') ?? ''
    expect((await finishSso(url, fresh.cookie, { ...answer, state })).headers.location).toBe('/ui/?sso=refused')

    // Somebody has another browser finish what theirs began: it would be signed in as them.
    const mine = await beginSso(url)
    const back = Object.fromEntries((await provider.browse(mine.url.href)).searchParams)
    const theirs = await beginSso(url)
    for (const cookie of ['', theirs.cookie, `coffer_sso_${new URL(url).port}=`, `${mine.cookie}; ${mine.cookie}`]) {
      const reply = await finishSso(url, cookie, back)
      expect([reply.headers.location, reply.headers['set-cookie']]).toEqual(['/ui/?sso=again', undefined])
    }
    expect((await finishSso(url, mine.cookie, back)).headers.location).toBe('/ui/')
  })

  it('takes on no id of a session that somebody planted, and replaces nobody’s session', async () => {
    const begun = await beginSso(url)
    const back = Object.fromEntries((await provider.browse(begun.url.href)).searchParams)
    const planted = sessionCookieAt(url, 'A'.repeat(43))
    const reply = await finishSso(url, `${begun.cookie}; ${planted}`, back)
    expect(String(reply.headers['set-cookie'])).not.toContain('AAAA')
    expect((await sessionOf(planted)).status).toBe(401)
    const { cookie } = await signIn('main')
    const target = '/ui/session/oidc?to=/ui/keys'
    const again = await sendPlain(url, { method: 'GET', target, headers: { cookie } })
    expect([again.headers.location, again.headers['set-cookie']]).toEqual(['/ui/keys', undefined])
  })

  it('ends here at once, and tells where it ends with the provider itself, of which nothing is given away', async () => {
    const { cookie } = await signIn('main')
    const { body } = await sessionOf(cookie)
    const headers = { cookie, 'x-coffer-csrf': body.csrfToken, 'sec-fetch-site': 'same-origin' }
    const reply = await sendPlain(url, { method: 'DELETE', target: '/ui/session', headers })
    expect(reply.status).toBe(200)
    const endsAt = `${provider.issuer}/session/end?client_id=${SSO_CLIENT.id}`
    expect(JSON.parse(String(reply.body))).toEqual({ endsAt })
    expect((await sessionOf(cookie)).status).toBe(401)
  })

  it('leads to no page but the console’s', async () => {
    for (const to of ['//evil.example', 'https://evil.example/ui/', '/ui/\\evil', '/ui/a\r\nb', '/uix/', '/']) {
      expect((await signIn('main', to)).location).toBe('/ui/')
    }
  })

  it('is begun by no other site, and at the console’s own address', async () => {
    const target = '/ui/session/oidc'
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect((await sendPlain(url, { method: 'GET', target, headers })).status).toBe(403)
    const elsewhere = await sendPlain(url, { method: 'GET', target, headers: { host: 'localhost' } })
    expect([elsewhere.headers.location, elsewhere.headers['set-cookie']]).toEqual([`${url}/ui/`, undefined])
  })

  it('tells in the log why nobody was let in, and no secret', () => {
    const output = server.output()
    expect(output).toContain('nobody was let in at the console by the identity provider')
    expect(output).not.toContain(SSO_CLIENT.secret)
  })
})
