import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSessions } from '../../src/api/console/sessions.ts'
import { systemClock } from '../../src/base/clock.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { mainAccessKey, mainApiKey, postSession, sessionCookieAt, signInAt } from '../support/console-client.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { bearer, sendPlain } from '../support/send.ts'

let test: TestHouse
let url: string
let offsetMs = 0
beforeAll(async () => {
  test = await startHouse()
  url = test.objectsControlUrl
})
afterAll(() => test[Symbol.asyncDispose]())

const codeOf = (reply: { readonly body: Buffer }): string => JSON.parse(String(reply.body)).error.code

describe('signing in', () => {
  it.each([
    ['an access key', mainAccessKey, 'access-key'],
    ['an API key', mainApiKey, 'api-key'],
  ])('with %s tells who it is, and sets a cookie that no script reads', async (_, credentials, kind) => {
    const reply = await postSession(url, credentials)
    expect(reply.status).toBe(200)
    expect(reply.headers['set-cookie']?.[0]).toMatch(
      /^coffer_session_\d+=[\w-]{43}; Path=\/ui; HttpOnly; SameSite=Strict$/,
    )
    expect(JSON.parse(String(reply.body))).toMatchObject({
      user: { iamId: mainAccount.user.iamId, name: mainAccount.user.name },
      account: { id: mainAccount.id },
      signedInBy: kind,
      s3: { url: test.s3Url, region: 'us-east-1' },
    })
    const { cookie, csrfToken, send } = await signInAt(url, credentials)
    const known = await send({ method: 'GET', target: '/ui/session' })
    expect(JSON.parse(String(known.body))).toMatchObject({ csrfToken, signedInBy: kind })
    expect(cookie).not.toBe(String(reply.headers['set-cookie']).split(';', 1)[0])
    expect(String(known.body)).not.toContain(mainAccessKey.secretAccessKey)
    expect(String(known.body)).not.toContain(mainApiKey.apiKey)
  })

  it('marks the cookie as one for TLS alone behind a proxy that speaks it', async () => {
    const reply = await postSession(url, mainAccessKey, { 'x-forwarded-proto': 'https' })
    expect(reply.headers['set-cookie']?.[0]).toContain('; Secure')
  })

  it.each([
    ['another secret', { ...mainAccessKey, secretAccessKey: 'x'.repeat(40) }],
    ['an unknown access key', { ...mainAccessKey, accessKeyId: 'NOBODY' }],
    ['an unknown API key', { apiKey: 'nobody' }],
  ])('is refused with %s, in the same words, and sets no cookie', async (_, credentials) => {
    const reply = await postSession(url, credentials)
    expect([reply.status, codeOf(reply)]).toEqual([401, 'SignInRefused'])
    expect(JSON.parse(String(reply.body)).error.message).toBe(
      'Nobody is known by these credentials. They are case-sensitive.',
    )
    expect(reply.headers['set-cookie']).toBeUndefined()
  })

  it('does not take on an id that somebody planted, and ends the session that it replaces', async () => {
    const planted = sessionCookieAt(url, 'A'.repeat(43))
    const reply = await postSession(url, mainAccessKey, { cookie: planted })
    expect(String(reply.headers['set-cookie'])).not.toContain('AAAA')
    expect((await sendPlain(url, { method: 'GET', target: '/ui/session', headers: { cookie: planted } })).status).toBe(
      401,
    )
    const first = await signInAt(url)
    await postSession(url, mainAccessKey, { cookie: first.cookie })
    expect((await first.send({ method: 'GET', target: '/ui/session' })).status).toBe(401)
  })

  it('ends no session at another port of the host, where another store may be: browsers send both cookies to both', async () => {
    const here = await signInAt(url)
    await using neighbour = await startHouse()
    const there = await signInAt(neighbour.objectsControlUrl)
    const cookie = `${here.cookie}; ${there.cookie}`
    expect(cookie.match(/coffer_session/g)).toHaveLength(2)
    for (const client of [here, there]) {
      const reply = await client.send({ method: 'GET', target: '/ui/session', headers: { cookie } })
      expect([reply.status, JSON.parse(String(reply.body)).csrfToken]).toEqual([200, client.csrfToken])
    }
  })

  it('is refused when a page of another site sends it', async () => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const reply = await postSession(url, mainAccessKey, headers)
      expect([reply.status, codeOf(reply)]).toEqual([403, 'ForeignOrigin'])
    }
  })
})

describe('a session', () => {
  it('ends when somebody signs out', async () => {
    const { send } = await signInAt(url)
    const reply = await send({ method: 'DELETE', target: '/ui/session' })
    expect(reply.status).toBe(204)
    expect(reply.headers['set-cookie']?.[0]).toContain('Max-Age=0')
    expect((await send({ method: 'GET', target: '/ui/session' })).status).toBe(401)
    expect(codeOf(await send({ method: 'GET', target: '/ui/s3/' }))).toBe('NoSession')
  })

  it('is ended by nobody else’s signing in again and again', () => {
    const sessions = createSessions(systemClock)
    const credentials = { kind: 'api-key', principal: () => Promise.reject(new Error('nobody asks')) } as const
    const [own, other] = [sessions.open(credentials, 'own'), sessions.open(credentials, 'other')]
    for (let count = 0; count < 10_000; count++) sessions.open(credentials, 'other')
    expect([sessions.use(own.id), sessions.use(other.id)]).toEqual([own, undefined])
  })

  it('ends an hour after it was last used, and after twelve however much it is', async () => {
    await using house = await startHouse({ clock: { now: () => Date.now() + offsetMs } })
    const { send, cookie } = await signInAt(house.objectsControlUrl)
    const asked = async (afterMs: number): Promise<number> => {
      offsetMs += afterMs
      return (await send({ method: 'GET', target: '/ui/session' })).status
    }
    const minuteMs = 60_000
    for (let minutes = 0; minutes < 11 * 60 + 30; minutes += 58) expect(await asked(58 * minuteMs)).toBe(200)
    expect(await asked(58 * minuteMs)).toBe(401)

    const idle = await signInAt(house.objectsControlUrl)
    offsetMs += 61 * minuteMs
    const reply = await idle.send({ method: 'GET', target: '/ui/s3/' })
    expect([reply.status, codeOf(reply)]).toEqual([401, 'NoSession'])
    // It is gone, whatever the clock says later.
    offsetMs = 0
    for (const one of [idle.cookie, cookie]) {
      const headers = { cookie: one }
      const again = await sendPlain(house.objectsControlUrl, { method: 'GET', target: '/ui/session', headers })
      expect(again.status).toBe(401)
    }
  })

  it('is no bearer token, and none is a session', async () => {
    const { cookie } = await signInAt(url)
    const id = cookie.slice(cookie.indexOf('=') + 1)
    expect((await sendPlain(test.s3Url, { method: 'GET', target: '/', headers: bearer(id) })).status).toBe(403)
    const token = await iamToken(test.controlUrl)
    const reply = await sendPlain(url, { method: 'GET', target: '/ui/s3/', headers: bearer(token) })
    expect([reply.status, codeOf(reply)]).toEqual([401, 'NoSession'])
  })
})

describe('the audit log', () => {
  it('tells who signed in, by what and from where, who was refused, and who signed out', async () => {
    await using house = await startHouse()
    const control = house.objectsControlUrl
    await postSession(control, { ...mainAccessKey, secretAccessKey: 'x'.repeat(40) })
    const { send } = await signInAt(control, mainApiKey)
    await send({ method: 'DELETE', target: '/ui/session' })
    await house.stop()
    const log = await readFile(path.join(house.dataDir, 'audit/audit-0000000001.jsonl'), 'utf8')
    const lines = log.split('\n').filter((line) => /"action":"iam.Sign(In|Out)"/.test(line))
    const who = { account: mainAccount.id, iamId: mainAccount.user.iamId, reason: 'by api-key' }
    const from = { sourceIp: '127.0.0.1', target: '/ui/session' }
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { action: 'iam.SignIn', outcome: 'failure', code: 'SignInRefused', ...from },
      { action: 'iam.SignIn', outcome: 'success', ...who, ...from },
      { action: 'iam.SignOut', outcome: 'success', ...who, ...from },
    ])
    for (const secret of ['x'.repeat(40), mainApiKey.apiKey]) expect(log).not.toContain(secret)
  })
})
