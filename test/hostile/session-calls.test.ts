import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SESSION_OPERATIONS } from '../../src/api/console/session-api.ts'
import { SSO_OPERATIONS } from '../../src/api/console/sso-api.ts'
import { type ConsoleClient, mainAccessKey, signInAt } from '../support/console-client.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { bearer, sendPlain } from '../support/send.ts'
import { ssoSettings } from '../support/sso.ts'

const HOST = 'console.test'
let test: TestHouse
let url: string
let token: string
beforeAll(async () => {
  test = await startHouse({ settings: ssoSettings('http://127.0.0.1:1', `http://${HOST}`) })
  url = test.objectsControlUrl
  token = await iamToken(test.controlUrl)
})
afterAll(() => test[Symbol.asyncDispose]())

type Headers = Readonly<Record<string, string>>
const SAME = { 'sec-fetch-site': 'same-origin' }

/** Who may send a request, by what comes with it; of the session of `own`, beside that of `other`. */
const CALLERS = {
  'a page, signed in': (own) => ({ ...SAME, cookie: own.cookie, 'x-coffer-csrf': own.csrfToken }),
  'a page, without the token': (own) => ({ ...SAME, cookie: own.cookie }),
  'a page, with the token of another session': (own, other) => ({
    ...{ ...SAME, cookie: own.cookie, 'x-coffer-csrf': other.csrfToken },
  }),
  'a page, signed out': (own) => ({ ...SAME, 'x-coffer-csrf': own.csrfToken }),
  'two cookies': (own, other) => ({
    ...{ ...SAME, cookie: `${own.cookie}; ${other.cookie}`, 'x-coffer-csrf': own.csrfToken },
  }),
  'a bearer token': () => ({ ...SAME, ...bearer(token) }),
  'another site': (own) => ({
    ...{ 'sec-fetch-site': 'cross-site', cookie: own.cookie, 'x-coffer-csrf': own.csrfToken },
  }),
  'a neighbour site': (own) => ({
    ...{ 'sec-fetch-site': 'same-site', cookie: own.cookie, 'x-coffer-csrf': own.csrfToken },
  }),
  'another site in an old browser': (own) => ({
    ...{ origin: 'https://evil.example', cookie: own.cookie, 'x-coffer-csrf': own.csrfToken },
  }),
} as const satisfies Readonly<Record<string, (own: ConsoleClient, other: ConsoleClient) => Headers>>
/** As a browser has it that opened the console there. */
const atHost = (client: ConsoleClient): ConsoleClient => ({ ...client, cookie: client.cookie.replace(/_\d+=/, '=') })

type Caller = keyof typeof CALLERS
const OTHER_SITES = ['another site', 'a neighbour site', 'another site in an old browser'] as const

const all = (status: number) =>
  Object.fromEntries(Object.keys(CALLERS).map((caller) => [caller, status])) as Record<Caller, number>
const sites = (status: number) => Object.fromEntries(OTHER_SITES.map((caller) => [caller, status]))
/** A GET that only says of itself where it comes from by what old browsers leave out: its page cannot read the answer. */
const READ_BY_SITES = { 'another site': 403, 'a neighbour site': 403 }
const NOBODY = { 'a page, signed out': 401, 'two cookies': 401, 'a bearer token': 401 }
const CHANGE = {
  ...{ ...NOBODY, ...sites(403) },
  ...{ 'a page, without the token': 403, 'a page, with the token of another session': 403 },
}

interface Row {
  readonly call: string
  readonly send: { readonly method: string; readonly target: string; readonly body?: string }
  readonly statuses: Readonly<Record<Caller, number>>
}

/** Of each call under `/ui/session`, and of the gate: what each of them gets. */
const TABLE: readonly Row[] = [
  {
    call: 'SignIn',
    send: { method: 'POST', target: '/ui/session', body: JSON.stringify(mainAccessKey) },
    // Who comes with the keys needs nothing else; another site has nobody sign in.
    statuses: { ...all(200), ...sites(403) },
  },
  {
    call: 'GetSession',
    send: { method: 'GET', target: '/ui/session' },
    statuses: { ...all(200), ...NOBODY, ...READ_BY_SITES },
  },
  { call: 'SignOut', send: { method: 'DELETE', target: '/ui/session' }, statuses: { ...all(204), ...CHANGE } },
  {
    call: 'GetWaysToSignIn',
    send: { method: 'GET', target: '/ui/session/ways' },
    statuses: { ...all(200), ...READ_BY_SITES },
  },
  {
    call: 'BeginSso',
    send: { method: 'GET', target: '/ui/session/oidc' },
    statuses: { ...all(303), ...READ_BY_SITES },
  },
  {
    call: 'FinishSso',
    send: { method: 'GET', target: '/ui/session/oidc/callback?code=a&state=b' },
    // The provider is another site. What it brings counts for the browser that asked alone: see sso.test.ts.
    statuses: all(303),
  },
  {
    call: 'gate: read',
    send: { method: 'GET', target: '/ui/s3/' },
    statuses: { ...all(200), ...NOBODY, ...READ_BY_SITES },
  },
  {
    call: 'gate: change',
    send: { method: 'PUT', target: '/ui/s3/matrix', body: '' },
    statuses: { ...all(200), ...CHANGE },
  },
  {
    call: 'gate: change by an API',
    send: { method: 'DELETE', target: '/ui/api/v1/apikeys/none' },
    statuses: { ...all(404), ...CHANGE },
  },
]

describe('Of the calls of sessions', () => {
  it('each has its row', () => {
    const names = [...SESSION_OPERATIONS, ...SSO_OPERATIONS].map(({ name }) => name)
    expect(TABLE.map(({ call }) => call).filter((call) => !call.startsWith('gate'))).toEqual(names)
  })

  it.each(TABLE)('$call answers each as is written here, and ends no session that it refuses', async (row) => {
    const { send, statuses } = row
    for (const [caller, headersOf] of Object.entries(CALLERS)) {
      const [own, other] = [await signInAt(url), await signInAt(url)]
      const json = send.body ? { 'content-type': 'application/json' } : {}
      const headers = { host: HOST, ...json, ...headersOf(atHost(own), atHost(other)) }
      const reply = await sendPlain(url, { ...send, headers })
      expect([caller, reply.status]).toEqual([caller, statuses[caller as Caller]])
      const isSignedIn = row.call === 'SignIn' && reply.status === 200
      if (!isSignedIn) expect(String(reply.headers['set-cookie'] ?? '')).not.toMatch(/coffer_session=[\w-]/)
      if (isSignedIn || reply.status === 204) continue
      for (const one of [own, other]) {
        expect((await one.send({ method: 'GET', target: '/ui/session' })).status).toBe(200)
      }
    }
  })
})
