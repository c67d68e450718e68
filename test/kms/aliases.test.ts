import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, refusal } from '../support/key-protect.ts'
import { MANAGER } from '../support/kms-world.ts'

let server: KeyProtectServer
let key: string
beforeAll(async () => {
  server = await keyProtectServer()
  key = await server.rootKey()
})
afterAll(() => server.close())

describe('POST and DELETE /keys/{id}/aliases/{alias}', () => {
  it('name a key, which is found by it, and forget the name', async () => {
    const { status, json } = await server.call('POST', `/keys/${key}/aliases/payroll`)
    expect(status).toBe(201)
    expect(json).toEqual({
      metadata: { collectionType: 'application/vnd.ibm.kms.alias+json', collectionTotal: 1 },
      resources: [{ keyId: key, alias: 'payroll', createdBy: MANAGER.iamId, creationDate: '2030-01-01T00:00:00Z' }],
    })
    const found = await server.call('GET', '/keys/payroll/metadata')
    expect(found.json.resources[0]).toMatchObject({ id: key, aliases: ['payroll'] })
    expect((await server.call('DELETE', `/keys/${key}/aliases/payroll`)).status).toBe(204)
    expect(refusal(await server.call('GET', '/keys/payroll/metadata'))).toBe('404 KEY_NOT_FOUND_ERR')
    expect(refusal(await server.call('DELETE', `/keys/${key}/aliases/payroll`))).toBe('404 KEY_ALIAS_NOT_FOUND_ERR')
  })

  it('refuse reserved words, ids and names in use', async () => {
    await server.call('POST', `/keys/${key}/aliases/taken`)
    expect(refusal(await server.call('POST', `/keys/${key}/aliases/taken`))).toBe('409 KEY_ALIAS_NOT_UNIQUE_ERR')
    for (const alias of ['registrations', 'x', key, 'a%2Fb']) {
      expect(refusal(await server.call('POST', `/keys/${key}/aliases/${alias}`))).toBe('400 INVALID_FIELD_ERR')
    }
  })

  it('stop at five a key', async () => {
    const named = await server.rootKey({ aliases: ['a1', 'a2', 'a3', 'a4', 'a5'] })
    expect(refusal(await server.call('POST', `/keys/${named}/aliases/a6`))).toBe('409 KEY_ALIAS_QUOTA_ERR')
  })
})
