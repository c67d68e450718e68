import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

const DAY_MS = 86_400_000

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer()
})
afterAll(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)
const guarded = async (resource: object = { extractable: false }): Promise<string> => {
  const { json } = await call('POST', '/keys_with_policy_overrides', {
    body: newKey({ dualAuthDelete: { enabled: true }, ...resource }),
  })
  return json.resources[0].id
}
const set = (key: string, user: string) => call('POST', `/keys/${key}/actions/setKeyForDeletion`, { headers: as(user) })
const unset = (key: string, user: string) =>
  call('POST', `/keys/${key}/actions/unsetKeyForDeletion`, { headers: as(user) })
const remove = (key: string, user: string) => call('DELETE', `/keys/${key}?force=true`, { headers: as(user) })
const dualAuth = async (key: string) => (await call('GET', `/keys/${key}/metadata`)).json.resources[0].dualAuthDelete

describe('a key with dual authorization', () => {
  it.each(['root', 'standard'])(
    'of type %s is deleted by a second user, after a first one has set it for deletion',
    async (type) => {
      const key = await guarded({ extractable: type === 'standard' })
      expect(refusal(await remove(key, 'manager'))).toBe('409 AUTHORIZATIONS_NOT_MET')
      expect((await set(key, 'manager')).status).toBe(204)
      expect(await dualAuth(key)).toEqual({
        enabled: true,
        keySetForDeletion: true,
        authExpiration: '2030-01-08T00:00:00Z',
      })
      expect(refusal(await remove(key, 'manager'))).toBe('409 AUTHORIZATIONS_NOT_MET')
      expect((await remove(key, 'other-manager')).status).toBe(204)
      expect(await dualAuth(key)).toEqual({ enabled: true })
    },
  )

  it('can be set by a Writer, who cannot delete', async () => {
    const key = await guarded()
    expect((await set(key, 'writer')).status).toBe(204)
    expect((await remove(key, 'writer')).status).toBe(401)
    expect((await remove(key, 'manager')).status).toBe(204)
  })

  it('stays when the first one is taken back', async () => {
    const key = await guarded()
    await set(key, 'manager')
    expect((await unset(key, 'other-manager')).status).toBe(204)
    expect(await dualAuth(key)).toEqual({ enabled: true })
    expect(refusal(await remove(key, 'other-manager'))).toBe('409 AUTHORIZATIONS_NOT_MET')
  })

  it('needs the first one again after a restoration', async () => {
    const key = await guarded()
    await set(key, 'manager')
    await remove(key, 'other-manager')
    expect((await call('POST', `/keys/${key}/restore`)).status).toBe(201)
    expect(refusal(await remove(key, 'other-manager'))).toBe('409 AUTHORIZATIONS_NOT_MET')
  })

  it('takes the older form of both calls', async () => {
    const key = await guarded()
    expect((await call('POST', `/keys/${key}?action=setKeyForDeletion`)).status).toBe(204)
    expect((await dualAuth(key)).keySetForDeletion).toBe(true)
    expect((await call('POST', `/keys/${key}?action=unsetKeyForDeletion`)).status).toBe(204)
    expect(await dualAuth(key)).toEqual({ enabled: true })
  })

  it('forgets the first one after seven days', async () => {
    const world = await keyProtectServer()
    try {
      const { json } = await world.call('POST', '/keys_with_policy_overrides', {
        body: newKey({ dualAuthDelete: { enabled: true } }),
      })
      const key = json.resources[0].id
      const again = async () => world.call('DELETE', `/keys/${key}`, { headers: as('other-manager') })
      await world.call('POST', `/keys/${key}/actions/setKeyForDeletion`)
      world.passTime(7 * DAY_MS)
      expect(refusal(await again())).toBe('409 AUTHORIZATIONS_NOT_MET')
      await world.call('POST', `/keys/${key}/actions/setKeyForDeletion`)
      world.passTime(7 * DAY_MS - 1)
      expect((await again()).status).toBe(204)
    } finally {
      await world.close()
    }
  })

  it('cannot be set when it is deleted', async () => {
    const key = await guarded()
    await set(key, 'manager')
    await remove(key, 'other-manager')
    expect(refusal(await set(key, 'manager'))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
  })
})

it('a key without dual authorization is not set for deletion', async () => {
  const key = await server.rootKey()
  expect(refusal(await set(key, 'manager'))).toBe('409 NOT_DUAL_AUTH_ERR')
  expect(refusal(await unset(key, 'manager'))).toBe('409 NOT_DUAL_AUTH_ERR')
  expect((await remove(key, 'manager')).status).toBe(204)
})
