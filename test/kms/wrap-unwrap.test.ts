import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

const DEK = Buffer.alloc(32, 0xd3).toString('base64')
let server: KeyProtectServer
let key: string
beforeAll(async () => {
  server = await keyProtectServer({ settings: { rotateIntervalMs: 0 } })
  key = await server.rootKey({ aliases: ['payroll'] })
})
afterAll(() => server.close())

const forms: readonly [string, (action: string) => string][] = [
  ['the path form', (action) => `/keys/${key}/actions/${action}`],
  ['the query form', (action) => `/keys/${key}?action=${action}`],
  ['the path form with an alias', (action) => `/keys/payroll/actions/${action}`],
  ['the query form with an alias', (action) => `/keys/payroll?action=${action}`],
]

describe.each(forms)('wrap, unwrap and rewrap in %s', (_, path) => {
  it('wrap what is given and do not say it again', async () => {
    const { status, json } = await server.call('POST', path('wrap'), { body: { plaintext: DEK, aad: ['a', 'b'] } })
    expect(status).toBe(200)
    expect(Object.keys(json).sort()).toEqual(['ciphertext', 'keyVersion'])
    const body = { ciphertext: json.ciphertext, aad: ['a', 'b'] }
    const unwrapped = await server.call('POST', path('unwrap'), { body })
    expect(unwrapped.status).toBe(200)
    expect(unwrapped.json).toEqual({ plaintext: DEK, keyVersion: json.keyVersion })
  })

  it.each([
    ['no body', {}],
    ['an empty object', { body: {} }],
    ['null', { text: 'null' }],
  ])('wrap fresh bytes for %s', async (__, options) => {
    const { json } = await server.call('POST', path('wrap'), options)
    expect(Buffer.from(json.plaintext, 'base64')).toHaveLength(32)
    const unwrapped = await server.call('POST', path('unwrap'), { body: { ciphertext: json.ciphertext } })
    expect(unwrapped.json.plaintext).toBe(json.plaintext)
  })

  it('hand over a new ciphertext after a rotation', async () => {
    const { json: old } = await server.call('POST', path('wrap'), { body: { plaintext: DEK } })
    expect((await server.call('POST', path('rotate'))).status).toBe(204)
    const { json } = await server.call('POST', path('unwrap'), { body: { ciphertext: old.ciphertext } })
    expect(json).toMatchObject({ plaintext: DEK, keyVersion: old.keyVersion })
    const again = await server.call('POST', path('unwrap'), { body: { ciphertext: json.ciphertext } })
    expect(again.json).toEqual({ plaintext: DEK, keyVersion: json.rewrappedKeyVersion })
    const rewrapped = await server.call('POST', path('rewrap'), { body: { ciphertext: old.ciphertext } })
    expect(rewrapped.json).toEqual({
      ciphertext: expect.any(String),
      keyVersion: old.keyVersion,
      rewrappedKeyVersion: json.rewrappedKeyVersion,
    })
  })
})

describe('unwrap', () => {
  it('answers one thing to a changed ciphertext, another AAD and garbage', async () => {
    const path = `/keys/${key}/actions/unwrap`
    const { json } = await server.call('POST', `/keys/${key}/actions/wrap`, { body: { plaintext: DEK, aad: ['a'] } })
    const changed = Buffer.from(json.ciphertext, 'base64')
    changed[60] = (changed[60] ?? 0) ^ 1
    const answers = await Promise.all(
      [
        { ciphertext: json.ciphertext },
        { ciphertext: json.ciphertext, aad: ['a', ''] },
        { ciphertext: changed.toString('base64'), aad: ['a'] },
        { ciphertext: DEK, aad: ['a'] },
        { ciphertext: '', aad: ['a'] },
      ].map((body) => server.call('POST', path, { body })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.map(refusal)).toEqual(answers.map(() => '422 UNPROCESSABLE_CIPHERTEXT_ERR'))
  })

  it.each([
    ['no body', {}, '400 NO_BODY_ERR'],
    ['no ciphertext', { body: {} }, '400 INVALID_FIELD_ERR'],
    ['a ciphertext that is not base64', { body: { ciphertext: '%' } }, '400 INVALID_FIELD_ERR'],
    ['an unknown member', { body: { ciphertext: '', iv: '' } }, '400 BAD_BODY_ERR'],
    ['AAD that is no list', { body: { ciphertext: '', aad: 'a' } }, '400 BAD_BODY_ERR'],
  ])('refuses %s', async (_, options, expected) => {
    expect(refusal(await server.call('POST', `/keys/${key}/actions/unwrap`, options))).toBe(expected)
  })
})

describe('wrap', () => {
  it.each(['%%%', ''])('names the field that is not base64, or empty (%j)', async (plaintext) => {
    const answer = await server.call('POST', `/keys/${key}/actions/wrap`, { body: { plaintext } })
    expect(refusal(answer)).toBe('400 INVALID_FIELD_ERR')
    expect(answer.json.resources[0].reasons[0].target).toEqual({ type: 'field', name: 'plaintext' })
  })

  it('needs a root key that exists', async () => {
    const { json } = await server.call('POST', '/keys', { body: newKey({}) })
    const standard = await server.call('POST', `/keys/${json.resources[0].id}/actions/wrap`)
    expect(refusal(standard)).toBe('400 KEY_ROOT_REQ_ERR')
    const missing = await server.call('POST', '/keys/99999999-9999-4999-8999-999999999999/actions/wrap')
    expect(refusal(missing)).toBe('404 KEY_NOT_FOUND_ERR')
  })

  it('keeps what it carries out of the log', async () => {
    const secret = Buffer.from('PLANTED-PLAINTEXT-OF-THIS-TEST!!').toString('base64')
    const { json } = await server.call('POST', `/keys/${key}/actions/wrap`, { body: { plaintext: secret } })
    await server.call('POST', `/keys/${key}/actions/unwrap`, { body: { ciphertext: json.ciphertext } })
    await server.call('POST', `/keys/${key}/actions/unwrap`, { body: { ciphertext: `${json.ciphertext}!` } })
    await server.call('POST', `/keys/${key}/actions/wrap`, { text: `{"plaintext":"${secret}"` })
    const log = JSON.stringify([server.logged, server.events])
    expect(server.logged.length).toBeGreaterThan(3)
    for (const hidden of [secret, json.ciphertext, 'manager-token']) expect(log).not.toContain(hidden)
  })
})
