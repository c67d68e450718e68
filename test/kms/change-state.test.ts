import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { bucketCrn } from '../support/kms-world.ts'

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer({ settings: { enableDelayMs: 30_000, restoreDelayMs: 30_000 } })
})
afterAll(() => server.close())

const post = (path: string, options = {}) => server.call('POST', path, options)

describe('disable and enable', () => {
  it.each([
    ['paths', (key: string, action: string) => `/keys/${key}/actions/${action}`],
    ['queries', (key: string, action: string) => `/keys/${key}?action=${action}`],
  ])('as %s', async (_, path) => {
    const key = await server.rootKey()
    expect((await post(path(key, 'disable'))).status).toBe(204)
    expect(refusal(await post(path(key, 'wrap')))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    expect(refusal(await post(path(key, 'disable')))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    const early = await post(path(key, 'enable'))
    expect(refusal(early)).toBe('409 REQ_TOO_EARLY_ERR')
    expect(early.headers.get('retry-after')).toBe('30')
    server.passTime(30_000)
    expect((await post(path(key, 'enable'))).status).toBe(204)
    expect((await post(path(key, 'wrap'))).status).toBe(200)
  })
})

describe('DELETE /keys/{id}', () => {
  it('answers 204, or the key when that is preferred, and 410 the second time', async () => {
    const key = await server.rootKey()
    expect(await server.call('DELETE', `/keys/${key}`)).toMatchObject({ status: 204, text: '' })
    expect(refusal(await server.call('DELETE', `/keys/${key}`))).toBe('410 KEY_DELETED_ERR')
    const other = await server.rootKey()
    const shown = await server.call('DELETE', `/keys/${other}`, { headers: { prefer: 'return=representation' } })
    expect(shown.status).toBe(200)
    expect(shown.json.resources[0]).toMatchObject({ id: other, state: 5, deleted: true })
  })

  it('is refused while the key protects something, force overrides unless retention forbids', async () => {
    const [plain, retained] = [await server.rootKey(), await server.rootKey()]
    await server.kms.register(server.serviceCaller, plain, { resourceCrn: bucketCrn('plain') })
    await server.kms.register(server.serviceCaller, retained, {
      resourceCrn: bucketCrn('retained'),
      preventKeyDeletion: true,
    })
    expect(refusal(await server.call('DELETE', `/keys/${plain}`))).toBe('409 PROTECTED_RESOURCE_ERR')
    expect((await server.call('DELETE', `/keys/${plain}?force=true`)).status).toBe(204)
    expect(refusal(await server.call('DELETE', `/keys/${retained}?force=true`))).toBe('409 PREV_KEY_DEL_ERR')
  })
})

describe('restore', () => {
  it.each([
    ['no body', {}],
    ['an empty object', { body: {} }],
    ['null', { text: 'null' }],
  ])('of a key with %s', async (_, options) => {
    const key = await server.rootKey()
    await server.call('DELETE', `/keys/${key}`)
    expect(refusal(await post(`/keys/${key}/restore`, options))).toBe('409 REQ_TOO_EARLY_ERR')
    server.passTime(30_000)
    const { status, json } = await post(`/keys/${key}/restore`, options)
    expect(status).toBe(201)
    expect(json.resources[0]).toMatchObject({ id: key, state: 1, deleted: false })
    expect(json.resources[0]).not.toHaveProperty('deletionDate')
  })

  it('of an imported key with its material, and with no other', async () => {
    const payload = Buffer.alloc(32, 3).toString('base64')
    const key = await server.rootKey({ payload })
    await server.call('DELETE', `/keys/${key}`)
    server.passTime(30_000)
    const other = newKey({ name: undefined, payload: Buffer.alloc(32, 4).toString('base64') })
    expect(refusal(await post(`/keys/${key}?action=restore`, { body: other }))).toBe('400 INVALID_FIELD_ERR')
    const same = newKey({ name: undefined, payload })
    expect((await post(`/keys/${key}?action=restore`, { body: same })).status).toBe(201)
  })

  it('is over after 30 days', async () => {
    const key = await server.rootKey()
    await server.call('DELETE', `/keys/${key}`)
    server.passTime(30 * 86_400_000)
    expect(refusal(await post(`/keys/${key}/restore`))).toBe('400 KEY_RESTORE_EXPIRED')
    await server.kms.sweep()
    server.passTime(3_600_000)
    await server.kms.sweep()
    expect(refusal(await post(`/keys/${key}/restore`))).toBe('400 KEY_RESTORE_EXPIRED')
  })
})

describe('rotate', () => {
  it('once an hour, the first time free', async () => {
    const key = await server.rootKey()
    expect((await post(`/keys/${key}/actions/rotate`, { headers: { prefer: 'return=minimal' } })).status).toBe(204)
    expect(refusal(await post(`/keys/${key}/actions/rotate`, { body: {} }))).toBe('409 KEY_ROTATION_NOT_PERMITTED')
  })

  it('of an imported key takes new material', async () => {
    const key = await server.rootKey({ payload: Buffer.alloc(32, 3).toString('base64') })
    expect(refusal(await post(`/keys/${key}/actions/rotate`))).toBe('400 KEY_PAYLOAD_REQ_ERR')
    const payload = Buffer.alloc(32, 4).toString('base64')
    expect((await post(`/keys/${key}/actions/rotate`, { body: { payload } })).status).toBe(204)
  })
})
