import { afterEach, describe, expect, it } from 'vitest'
import { mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { queryApi } from '../support/query-api.ts'
import { outcome, type RawS3Request, sendRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'

let test: TestHouse
const start = async (settings: Readonly<Record<string, string>>) => {
  test = await startHouse({
    accounts: [mainAccount, otherAccount],
    settings: { COFFER_TRUSTED_PROXIES: '127.0.0.1', ...settings },
  })
}
afterEach(() => test[Symbol.asyncDispose]())

const from = (address: string) => ({ 'x-forwarded-for': address })
const list = (more: Partial<RawS3Request> = {}) => sendRaw(test.s3Url, { method: 'GET', path: '/', ...more })
const forged = { ...mainAccount, user: { ...mainAccount.user, secretAccessKey: 'another one' } }
const tokenFor = (apikey: string, address: string) =>
  sendPlain(test.controlUrl, {
    method: 'POST',
    target: '/identity/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...from(address) },
    body: new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey }).toString(),
  })
const keys = (token: string, address: string) =>
  sendPlain(test.controlUrl, {
    method: 'GET',
    target: '/api/v2/keys',
    headers: { ...bearer(token), 'bluemix-instance': mainAccount.keyProtectInstance, ...from(address) },
  })
const callerIdentity = (account: TestAccount, address: string) =>
  queryApi(test.s3Url, 'sts', account.user, 'us-east-1', from(address))('GetCallerIdentity')

describe('Sign-ins that are refused', () => {
  it('use up what their address has; then nobody from there is looked at, and everybody from elsewhere is', async () => {
    await start({ COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '3' })
    const token = await iamToken(test.controlUrl)
    const there = { headers: from('192.0.2.1') }
    for (let n = 0; n < 3; n++)
      expect(outcome(await list({ ...there, account: forged }))).toBe('403 SignatureDoesNotMatch')
    const slow = await list({ ...there, account: forged })
    expect(outcome(slow)).toBe('503 SlowDown')
    expect(Number(slow.headers['retry-after'])).toBeGreaterThan(0)
    // A guess that is right is told from no other.
    expect(outcome(await list(there))).toBe('503 SlowDown')
    const call = await callerIdentity(mainAccount, '192.0.2.1')
    expect(call.outcome).toBe('400 Throttling')
    // It is one number for all listeners, and in the words of each.
    const refusedToken = await tokenFor(mainAccount.user.apiKey, '192.0.2.1')
    expect([refusedToken.status, Number(refusedToken.headers['retry-after']) > 0]).toEqual([429, true])
    expect((await keys(token, '192.0.2.1')).status).toBe(429)
    // Nobody in particular says to be nobody.
    const anonymous = await sendPlain(test.s3Url, { method: 'GET', target: '/', headers: from('192.0.2.1') })
    expect(outcome(anonymous)).toBe('403 AccessDenied')
    expect(outcome(await list({ headers: from('192.0.2.2') }))).toBe('200')
    expect((await tokenFor(mainAccount.user.apiKey, '192.0.2.2')).status).toBe(200)
    expect((await keys(token, '192.0.2.2')).status).toBe(200)
  })

  it.each([
    ['an API key', () => tokenFor('no key of anybody', '2001:db8::1')],
    ['a token', () => keys('a.b.c', '2001:db8::2')],
    [
      'a token of S3',
      () =>
        sendPlain(test.s3Url, { method: 'GET', target: '/', headers: { ...bearer('a.b.c'), ...from('2001:db8::3') } }),
    ],
    [
      'an access key',
      () =>
        list({
          headers: from('2001:db8::4'),
          account: { ...otherAccount, user: { ...otherAccount.user, accessKeyId: 'NOBODY' } },
        }),
    ],
    ['a call of IAM', () => callerIdentity(forged, '2001:db8::5')],
  ])('count whatever is wrong: %s', async (_what, attempt) => {
    await start({ COFFER_LIMITS_REFUSED_SIGN_INS_PER_MINUTE: '2' })
    for (let n = 0; n < 2; n++) expect([400, 401, 403]).toContain((await attempt()).status)
    // From another address of the same customer.
    expect(outcome(await list({ headers: from('2001:db8::abcd') }))).toBe('503 SlowDown')
    expect(outcome(await list({ headers: from('2001:db8:0:1::1') }))).toBe('200')
  })
})

describe('Requests', () => {
  it('of one identity are as many in a second as the operator says, on all listeners together', async () => {
    await start({ COFFER_LIMITS_REQUESTS_PER_SECOND: '1' })
    const token = await iamToken(test.controlUrl)
    // Of several at once not all can be a second apart.
    const replies = await Promise.all(Array.from({ length: 8 }, () => list()))
    const outcomes = replies.map(outcome)
    expect(outcomes).toContain('200')
    expect(outcomes).toContain('503 SlowDown')
    const slow = replies.find(({ status }) => status === 503)
    expect(slow?.headers['retry-after']).toBe('1')
    const both = await Promise.all([
      list(),
      keys(token, '192.0.2.1'),
      keys(token, '192.0.2.1'),
      keys(token, '192.0.2.1'),
    ])
    expect(both.some(({ status }) => status === 429)).toBe(true)
    const others = await list({ account: otherAccount })
    expect(outcome(others)).toBe('200')
  })

  it('of nobody in particular count by their address', async () => {
    await start({ COFFER_LIMITS_REQUESTS_PER_SECOND: '1' })
    const get = (address: string) => sendPlain(test.s3Url, { method: 'GET', target: '/', headers: from(address) })
    const outcomes = (await Promise.all(Array.from({ length: 8 }, () => get('192.0.2.1')))).map(outcome)
    expect(new Set(outcomes)).toEqual(new Set(['403 AccessDenied', '503 SlowDown']))
    expect(outcome(await get('192.0.2.2'))).toBe('403 AccessDenied')
  })

  it('are not limited where the operator says nothing', async () => {
    await start({})
    const outcomes = (await Promise.all(Array.from({ length: 100 }, () => list()))).map(outcome)
    expect(new Set(outcomes)).toEqual(new Set(['200']))
  })
})
