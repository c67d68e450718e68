import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_KMS_SETTINGS } from '../../src/kms/settings.ts'
import type { IbmCall } from '../support/ibm-clients.ts'
import { transported } from '../support/import-token.ts'
import { type KeyProtectServer, keyProtectServer, newKey } from '../support/key-protect.ts'
import { type KeyProtectClient, keyProtectClient, keyProtectRefusal, textOf } from '../support/key-protect-client.ts'
import { API_KEY, startKeyService } from '../support/key-service.ts'
import { bucketCrn, KMS_INSTANCE } from '../support/kms-world.ts'

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const UNKNOWN = '99999999-9999-4999-8999-999999999999'

let server: KeyProtectServer
let client: KeyProtectClient
let secondUser: KeyProtectClient
beforeAll(async () => {
  // Key Protect's own times, on a clock that the tests set.
  server = await keyProtectServer({ settings: DEFAULT_KMS_SETTINGS })
  client = await keyProtectClient(server.url, KMS_INSTANCE, { bearerToken: 'manager-token' })
  secondUser = await keyProtectClient(server.url, KMS_INSTANCE, { bearerToken: 'other-manager-token' })
}, 120_000)
afterAll(() => server.close())

const call = (name: string, parameters: object = {}, of = client) => {
  const method: IbmCall | undefined = of.calls[name]
  if (!method) throw new Error(`the client has no ${name}`)
  return method(parameters)
}
const refused = (name: string, parameters: object = {}, of = client) => keyProtectRefusal(call(name, parameters, of))

const create = async (resource: object = {}) => {
  const { result } = await call('createKey', {
    body: newKey({ extractable: false, ...resource }),
    prefer: 'return=representation',
  })
  return result.resources[0]
}
const stateOf = async (id: string) => (await call('getKeyMetadata', { id })).result.resources[0].state

describe('createKey', () => {
  it('makes root keys and standard keys, and imports them', async () => {
    const reply = await call('createKey', { body: newKey({ extractable: false, tags: ['one'] }) })
    expect(reply.status).toBe(201)
    expect(reply.result.metadata).toEqual({ collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 1 })
    expect(reply.result.resources[0]).toMatchObject({ state: 1, imported: false, extractable: false, tags: ['one'] })
    expect(reply.result.resources[0].payload).toBeUndefined()
    const payload = randomBytes(20).toString('base64')
    expect(await create({ extractable: true, payload })).toMatchObject({ imported: true, payload })
    const imported = await create({ payload: randomBytes(16).toString('base64') })
    expect(imported).toMatchObject({ imported: true, extractable: false })
  })

  it('answers as little as is preferred', async () => {
    const { status, result } = await call('createKey', {
      body: newKey({ extractable: false }),
      prefer: 'return=minimal',
    })
    expect([status, Object.keys(result.resources[0])]).toEqual([201, ['type', 'id']])
  })

  it.each([
    ['a bad name', newKey({ name: 'x' }), '400 INVALID_FIELD_ERR'],
    ['material of no AES key', newKey({ extractable: false, payload: 'AAAA' }), '400 INVALID_FIELD_ERR'],
    ['an unknown member', newKey({ size: 256 }), '400 BAD_BODY_ERR'],
    ['a wrong total', { metadata: { collectionTotal: 2 }, resources: [{}] }, '400 COLLECTION_TOTAL_MISMATCH_ERR'],
    ['no resource', { metadata: { collectionTotal: 0 } }, '400 NUM_COLLECTION_RESOURCE_ERR'],
  ])('is refused for %s', async (_, body, expected) => {
    expect(await refused('createKey', { body })).toBe(expected)
  })
})

describe('getKeys, getKeyCollectionMetadata, getKey and getKeyMetadata', () => {
  it('list, count and show keys', async () => {
    const standard = await create({ name: 'a standard key', extractable: true })
    const all = (await call('getKeys', { extractable: true, state: [0, 1] })).result
    expect(all.resources.map(({ id }: { id: string }) => id)).toContain(standard.id)
    expect(all.resources.every(({ payload }: { payload?: string }) => payload === undefined)).toBe(true)
    const { status, headers } = await call('getKeyCollectionMetadata', { extractable: true, state: [0, 1] })
    expect([status, headers['key-total']]).toEqual([200, String(all.resources.length)])
    const page = (await call('getKeys', { limit: 1, offset: 1 })).result
    expect(page.metadata.collectionTotal).toBe(1)
    expect((await call('getKeys', { state: [3] })).result.resources).toBeUndefined()
    expect((await call('getKey', { id: standard.id })).result.resources[0].payload).toBe(standard.payload)
    const { payload: _, ...metadata } = standard
    expect((await call('getKeyMetadata', { id: standard.id })).result.resources).toEqual([metadata])
  })

  it('are refused for what there is not', async () => {
    expect(await refused('getKey', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
    expect(await refused('getKeyMetadata', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
    expect(await refused('getKeys', { limit: 5001 })).toBe('400 INVALID_QUERY_PARAM_ERR')
    expect(await refused('getKeys', { xKmsKeyRing: 'nowhere' })).toBe('404 KEY_RING_NOT_FOUND_ERR')
    // HTTP: the answer to HEAD has no body to say why.
    expect(await refused('getKeyCollectionMetadata', { state: [7] })).toBe('400 -')
  })
})

describe('wrapKey, unwrapKey, rewrapKey, rotateKey and getKeyVersions', () => {
  it('wrap what is given or made, and open it again under every version', async () => {
    const { id } = await create()
    const aad = ['one', 'two']
    const made = (await call('wrapKey', { id, keyActionWrapBody: { aad } })).result
    expect(Buffer.from(made.plaintext, 'base64')).toHaveLength(32)
    expect((await call('wrapKey', { id })).result.plaintext).toEqual(expect.any(String))
    const plaintext = randomBytes(24).toString('base64')
    const given = (await call('wrapKey', { id, keyActionWrapBody: { plaintext } })).result
    expect(given.plaintext).toBeUndefined()

    const open = async (ciphertext: string, more = {}) =>
      (await call('unwrapKey', { id, keyActionUnwrapBody: { ciphertext, ...more } })).result
    expect(await open(given.ciphertext)).toEqual({ plaintext, keyVersion: given.keyVersion })
    expect((await call('rotateKey', { id, keyActionRotateBody: {} })).status).toBe(204)
    const [newest, oldest] = (await call('getKeyVersions', { id })).result.resources
    expect(oldest.id).toBe(made.keyVersion.id)
    const opened = await open(made.ciphertext, { aad })
    expect(opened).toMatchObject({
      plaintext: made.plaintext,
      keyVersion: { id: oldest.id },
      rewrappedKeyVersion: { id: newest.id },
    })
    expect((await open(opened.ciphertext, { aad })).plaintext).toBe(made.plaintext)
    const rewrapped = (await call('rewrapKey', { id, keyActionRewrapBody: { ciphertext: given.ciphertext } })).result
    expect(rewrapped).toMatchObject({ keyVersion: { id: oldest.id }, rewrappedKeyVersion: { id: newest.id } })
    expect(rewrapped.plaintext).toBeUndefined()
    expect((await open(rewrapped.ciphertext)).plaintext).toBe(plaintext)
    expect((await call('getKeyVersions', { id, limit: 1, offset: 1 })).result.resources[0].id).toBe(oldest.id)
  })

  it('rotate an imported key with material that is given', async () => {
    const { id } = await create({ payload: randomBytes(32).toString('base64') })
    expect(await refused('rotateKey', { id })).toBe('400 KEY_PAYLOAD_REQ_ERR')
    const keyActionRotateBody = { payload: randomBytes(32).toString('base64') }
    expect((await call('rotateKey', { id, keyActionRotateBody })).status).toBe(204)
    expect(await refused('rotateKey', { id, keyActionRotateBody })).toBe('409 KEY_ROTATION_NOT_PERMITTED')
    server.passTime(HOUR_MS)
    expect((await call('rotateKey', { id, keyActionRotateBody })).status).toBe(204)
    expect((await call('getKeyVersions', { id })).result.metadata.collectionTotal).toBe(3)
  })

  it('are refused for other keys, other contexts and what is no ciphertext', async () => {
    const [{ id }, other, standard] = [await create(), await create(), await create({ extractable: true })]
    const { ciphertext } = (await call('wrapKey', { id, keyActionWrapBody: { aad: ['ab'] } })).result
    const unprocessable = '422 UNPROCESSABLE_CIPHERTEXT_ERR'
    for (const [name, body] of [
      ['unwrapKey', 'keyActionUnwrapBody'],
      ['rewrapKey', 'keyActionRewrapBody'],
    ] as const) {
      const tryIt = (key: string, sent: object) => refused(name, { id: key, [body]: sent })
      expect(await tryIt(id, { ciphertext })).toBe(unprocessable)
      expect(await tryIt(id, { ciphertext, aad: ['a', 'b'] })).toBe(unprocessable)
      expect(await tryIt(other.id, { ciphertext, aad: ['ab'] })).toBe(unprocessable)
      expect(await tryIt(id, { ciphertext: '%' })).toBe('400 INVALID_FIELD_ERR')
      expect(await tryIt(standard.id, { ciphertext })).toBe('400 KEY_ROOT_REQ_ERR')
      expect(await tryIt(UNKNOWN, { ciphertext })).toBe('404 KEY_NOT_FOUND_ERR')
    }
    expect(await refused('wrapKey', { id, keyActionWrapBody: { plaintext: '%' } })).toBe('400 INVALID_FIELD_ERR')
    expect(await refused('wrapKey', { id: standard.id })).toBe('400 KEY_ROOT_REQ_ERR')
    expect(await refused('rotateKey', { id: standard.id })).toBe('400 KEY_ROOT_REQ_ERR')
    expect(await refused('getKeyVersions', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('disableKey, enableKey, deleteKey and restoreKey', () => {
  it('stop a key and take it back', async () => {
    const { id } = await create()
    const { ciphertext, plaintext } = (await call('wrapKey', { id })).result
    expect((await call('disableKey', { id })).status).toBe(204)
    expect(await stateOf(id)).toBe(2)
    expect(await refused('wrapKey', { id })).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    expect(await refused('disableKey', { id })).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    expect(await refused('enableKey', { id })).toBe('409 REQ_TOO_EARLY_ERR')
    server.passTime(30 * SECOND_MS)
    expect((await call('enableKey', { id })).status).toBe(204)
    expect(await refused('enableKey', { id })).toBe('409 KEY_ACTION_INVALID_STATE_ERR')

    const deleted = await call('deleteKey', { id, prefer: 'return=representation' })
    expect([deleted.status, deleted.result.resources[0].deleted]).toEqual([200, true])
    expect(await stateOf(id)).toBe(5)
    expect(await refused('deleteKey', { id })).toBe('410 KEY_DELETED_ERR')
    expect(await refused('restoreKey', { id })).toBe('409 REQ_TOO_EARLY_ERR')
    server.passTime(30 * SECOND_MS)
    const restored = await call('restoreKey', { id, prefer: 'return=representation' })
    expect(restored.status).toBe(201)
    expect(JSON.parse(await textOf(restored.result)).resources[0]).toMatchObject({ id, state: 1, deleted: false })
    expect((await call('unwrapKey', { id, keyActionUnwrapBody: { ciphertext } })).result.plaintext).toBe(plaintext)
    expect(await refused('restoreKey', { id })).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    expect((await call('deleteKey', { id })).status).toBe(204)
  })

  it('restore with the material that was imported and no other', async () => {
    const payload = randomBytes(32).toString('base64')
    const { id } = await create({ payload })
    await call('deleteKey', { id })
    server.passTime(30 * SECOND_MS)
    const restore = (given: string) => ({ id, keyRestoreBody: newKey({ payload: given }) })
    expect(await refused('restoreKey', restore(randomBytes(32).toString('base64')))).toBe('400 INVALID_FIELD_ERR')
    expect((await call('restoreKey', restore(payload))).status).toBe(201)
  })

  it('keep a key that protects something, unless forced', async () => {
    const { id } = await create()
    await server.kms.register(server.serviceCaller, id, { resourceCrn: bucketCrn('protected') })
    expect(await refused('deleteKey', { id })).toBe('409 PROTECTED_RESOURCE_ERR')
    const forever = bucketCrn('retained')
    await server.kms.register(server.serviceCaller, id, { resourceCrn: forever, preventKeyDeletion: true })
    expect(await refused('deleteKey', { id, force: true })).toBe('409 PREV_KEY_DEL_ERR')
    await server.kms.deregister(server.serviceCaller, id, forever)
    expect((await call('deleteKey', { id, force: true })).status).toBe(204)
  })
})

describe('setKeyForDeletion, unsetKeyForDeletion and the policies of keys', () => {
  const TYPE = 'application/vnd.ibm.kms.policy+json'
  const policies = (...resources: object[]) => ({
    metadata: { collectionType: TYPE, collectionTotal: resources.length },
    resources: resources.map((resource) => ({ type: TYPE, ...resource })),
  })

  it('let a second user delete what a first one set for it', async () => {
    const { id } = await create()
    expect(await refused('setKeyForDeletion', { id })).toBe('409 NOT_DUAL_AUTH_ERR')
    expect(await refused('unsetKeyForDeletion', { id })).toBe('409 NOT_DUAL_AUTH_ERR')
    const setKeyPoliciesOneOf = policies({ dualAuthDelete: { enabled: true } })
    expect((await call('putPolicy', { id, setKeyPoliciesOneOf, policy: 'dualAuthDelete' })).status).toBe(200)
    expect(await refused('deleteKey', { id })).toBe('409 AUTHORIZATIONS_NOT_MET')
    expect((await call('setKeyForDeletion', { id })).status).toBe(204)
    expect((await call('unsetKeyForDeletion', { id })).status).toBe(204)
    expect(await refused('deleteKey', { id }, secondUser)).toBe('409 AUTHORIZATIONS_NOT_MET')
    await call('setKeyForDeletion', { id })
    expect((await call('getKeyMetadata', { id })).result.resources[0].dualAuthDelete).toMatchObject({
      enabled: true,
      keySetForDeletion: true,
    })
    expect(await refused('deleteKey', { id })).toBe('409 AUTHORIZATIONS_NOT_MET')
    expect((await call('deleteKey', { id }, secondUser)).status).toBe(204)
  })

  it('are set and shown, one or both', async () => {
    const { id } = await create()
    expect((await call('getPolicy', { id })).result.resources).toBeUndefined()
    const both = policies({ rotation: { interval_month: 2 } }, { dualAuthDelete: { enabled: true } })
    expect((await call('putPolicy', { id, setKeyPoliciesOneOf: both })).status).toBe(200)
    expect((await call('getPolicy', { id })).result.metadata.collectionTotal).toBe(2)
    const { result } = await call('getPolicy', { id, policy: 'rotation' })
    expect(result.resources).toMatchObject([{ type: TYPE, rotation: { interval_month: 2 } }])
  })

  it('are refused when they say nonsense', async () => {
    const { id } = await create()
    const put = (body: object, policy?: string) =>
      refused('putPolicy', { id, setKeyPoliciesOneOf: body, ...(policy && { policy }) })
    expect(await put(policies({ rotation: { interval_month: 13 } }))).toBe('400 INVALID_FIELD_ERR')
    expect(await put(policies({ rotation: { interval_month: 1 } }), 'dualAuthDelete')).toBe(
      '400 BODY_QUERY_PARAM_MISMATCH_ERR',
    )
    expect(await refused('getPolicy', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
    expect(await refused('getPolicy', { id, policy: 'metrics' })).toBe('400 INVALID_QUERY_PARAM_ERR')
  })
})

describe('putInstancePolicy, getInstancePolicy and getAllowedIpPort', () => {
  const put = (policyType: string, data: object) => ({
    policy: policyType,
    setInstancePoliciesOneOf: {
      metadata: { collectionType: 'application/vnd.ibm.kms.policy+json', collectionTotal: 1 },
      resources: [{ policy_type: policyType, policy_data: data }],
    },
  })

  it.each([
    ['metrics', { enabled: true }],
    ['dualAuthDelete', { enabled: true }],
    ['allowedNetwork', { enabled: true, attributes: { allowed_network: 'public-and-private' } }],
    ['allowedIP', { enabled: true, attributes: { allowed_ip: ['127.0.0.0/8', '::1/128'] } }],
    ['keyCreateImportAccess', { enabled: true, attributes: { create_standard_key: false } }],
  ])('set and show the policy %s', async (policyType, data) => {
    expect((await call('putInstancePolicy', put(policyType, data))).status).toBe(204)
    const { result } = await call('getInstancePolicy', { policy: policyType })
    expect(result.resources).toMatchObject([{ policy_type: policyType, policy_data: data }])
    if (policyType === 'keyCreateImportAccess') {
      expect(await refused('createKey', { body: newKey({ extractable: true }) })).toBe(
        '409 KEY_CREATE_IMPORT_ACCESS_ERR',
      )
    }
    expect((await call('putInstancePolicy', put(policyType, { enabled: false }))).status).toBe(204)
  })

  it('are refused when they say nonsense', async () => {
    const nonsense = put('allowedIP', { enabled: true, attributes: { allowed_ip: ['everywhere'] } })
    expect(await refused('putInstancePolicy', nonsense)).toBe('400 INVALID_FIELD_ERR')
    const off = put('allowedNetwork', { enabled: false, attributes: { allowed_network: 'private-only' } })
    expect(await refused('putInstancePolicy', off)).toBe('400 INVALID_FIELD_ERR')
    expect(await refused('getInstancePolicy', { policy: 'nonsense' })).toBe('400 INVALID_QUERY_PARAM_ERR')
  })

  it('tell the port', async () => {
    const { status, result } = await call('getAllowedIpPort')
    expect(status).toBe(200)
    expect(result.resources).toEqual([{ private_endpoint_port: Number(new URL(server.url).port) }])
    expect(await refused('getAllowedIpPort', { bluemixInstance: UNKNOWN })).toBe('401 -')
  })
})

describe('postImportToken and getImportToken', () => {
  it('bring material in that nobody on the way can read', async () => {
    expect(await refused('getImportToken')).toBe('404 IMPORT_TOKEN_NOT_FOUND_ERR')
    const made = await call('postImportToken', { expiration: 300, maxAllowedRetrievals: 1 })
    expect([made.status, made.result.remainingRetrievals]).toEqual([200, 1])
    const { result: token } = await call('getImportToken')
    expect(token.remainingRetrievals).toBe(0)
    expect(await refused('getImportToken')).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const { id } = await create(transported(token, first))
    await call('rotateKey', { id, keyActionRotateBody: transported(token, second) })
    await call('deleteKey', { id })
    server.passTime(30 * SECOND_MS)
    const restore = (material: Buffer) => ({ id, keyRestoreBody: newKey(transported(token, material)) })
    expect(await refused('restoreKey', restore(first))).toBe('400 INVALID_FIELD_ERR')
    expect((await call('restoreKey', restore(second))).status).toBe(201)
    const wrong = { ...transported(token, first), encryptedNonce: randomBytes(28).toString('base64') }
    expect(await refused('createKey', { body: newKey(wrong) })).toBe('400 INCORRECT_NONCE_ERR')
    const short = { ...transported(token, first), iv: randomBytes(8).toString('base64') }
    expect(await refused('createKey', { body: newKey(short) })).toBe('400 INCORRECT_NONCE_IV_ERR')
    server.passTime(300 * SECOND_MS)
    expect(await refused('createKey', { body: newKey(transported(token, first)) })).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
    expect(await refused('postImportToken', { expiration: 299 })).toBe('400 INVALID_FIELD_ERR')
  })
})

describe('getRegistrations and getRegistrationsAllKeys', () => {
  it('show what a key protects, found by CRN, encoded by the caller too', async () => {
    const { id } = await create({ name: 'registered' })
    for (const name of ['logs-1', 'logs-2', 'photos']) {
      const preventKeyDeletion = name === 'photos'
      await server.kms.register(server.serviceCaller, id, { resourceCrn: bucketCrn(name), preventKeyDeletion })
    }
    const names = async (name: string, parameters: object) =>
      ((await call(name, parameters)).result.resources ?? []).map(({ resourceCrn }: { resourceCrn: string }) =>
        resourceCrn.split(':').at(-1),
      )
    expect(await names('getRegistrations', { id })).toEqual(['logs-1', 'logs-2', 'photos'])
    const query = { urlEncodedResourceCrnQuery: encodeURIComponent(bucketCrn('logs-*')) }
    expect(await names('getRegistrations', { id, ...query })).toEqual(['logs-1', 'logs-2'])
    expect(await names('getRegistrationsAllKeys', query)).toEqual(['logs-1', 'logs-2'])
    const plain = { urlEncodedResourceCrnQuery: bucketCrn('photos'), preventKeyDeletion: true }
    expect(await names('getRegistrationsAllKeys', plain)).toEqual(['photos'])
    const page = (await call('getRegistrations', { id, limit: 1, offset: 1, totalCount: true })).result
    expect(page).toMatchObject({
      metadata: { collectionTotal: 1, totalCount: 3 },
      resources: [{ keyId: id, keyName: 'registered', resourceCrn: bucketCrn('logs-2') }],
    })
  })

  it('are refused for keys that there are not and queries that are none', async () => {
    expect(await refused('getRegistrations', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
    expect(await refused('getRegistrationsAllKeys', { urlEncodedResourceCrnQuery: 'crn:v1:*' })).toBe(
      '400 INVALID_QUERY_PARAM_ERR',
    )
  })
})

describe('createKeyAlias and deleteKeyAlias', () => {
  it('name a key, which every call then finds', async () => {
    const { id } = await create()
    const { status, result } = await call('createKeyAlias', { id, alias: 'by-name' })
    expect([status, result.resources[0].keyId]).toEqual([201, id])
    expect((await call('getKey', { id: 'by-name' })).result.resources[0].id).toBe(id)
    expect(await refused('createKeyAlias', { id, alias: 'by-name' })).toBe('409 KEY_ALIAS_NOT_UNIQUE_ERR')
    expect(await refused('createKeyAlias', { id, alias: 'policies' })).toBe('400 INVALID_FIELD_ERR')
    expect((await call('deleteKeyAlias', { id, alias: 'by-name' })).status).toBe(204)
    expect(await refused('deleteKeyAlias', { id, alias: 'by-name' })).toBe('404 KEY_ALIAS_NOT_FOUND_ERR')
    expect(await refused('getKey', { id: 'by-name' })).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('listKeyRings, createKeyRing and deleteKeyRing', () => {
  it('sort keys into rings', async () => {
    expect((await call('createKeyRing', { keyRingId: 'team-a' })).status).toBe(201)
    expect(await refused('createKeyRing', { keyRingId: 'team-a' })).toBe('409 KEY_RING_NOT_UNIQUE_ERR')
    expect(await refused('createKeyRing', { keyRingId: 'x' })).toBe('400 INVALID_FIELD_ERR')
    const { result } = await call('listKeyRings')
    expect(result.resources.map(({ id }: { id: string }) => id)).toEqual(['default', 'team-a'])
    const { result: made } = await call('createKey', { body: newKey({ extractable: false }), xKmsKeyRing: 'team-a' })
    const { id, keyRingID } = made.resources[0]
    expect(keyRingID).toBe('team-a')
    expect((await call('getKeys', { xKmsKeyRing: 'team-a' })).result.metadata.collectionTotal).toBe(1)
    expect(await refused('getKey', { id, xKmsKeyRing: 'default' })).toBe('404 KEY_NOT_FOUND_ERR')
    expect(await refused('deleteKeyRing', { keyRingId: 'team-a' })).toBe('409 KEY_RING_NOT_EMPTY_ERR')
    expect((await call('createKeyRing', { keyRingId: 'team-b' })).status).toBe(201)
    expect((await call('deleteKeyRing', { keyRingId: 'team-b' })).status).toBe(204)
    expect(await refused('deleteKeyRing', { keyRingId: 'team-b' })).toBe('404 KEY_RING_NOT_FOUND_ERR')
    expect(await refused('listKeyRings', { bluemixInstance: UNKNOWN })).toBe('401 -')
  })
})

describe('syncAssociatedResources', () => {
  it('tells the users of a key, once an hour', async () => {
    const { id } = await create()
    const heard: string[] = []
    const end = server.kms.onKeyEvent(({ type, keyCrn }) => heard.push(`${type} ${keyCrn.split(':').at(-1)}`))
    expect((await call('syncAssociatedResources', { id })).status).toBe(204)
    expect(await refused('syncAssociatedResources', { id })).toBe('409 REQ_TOO_EARLY_ERR')
    server.passTime(HOUR_MS)
    expect((await call('syncAssociatedResources', { id })).status).toBe(204)
    end()
    expect(heard).toEqual([`synced ${id}`, `synced ${id}`])
    expect(await refused('syncAssociatedResources', { id: UNKNOWN })).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('the client', () => {
  it('reads every refusal of a right as one of its credentials', async () => {
    const stranger = await keyProtectClient(server.url, KMS_INSTANCE, { bearerToken: 'stranger-token' })
    const needed = { id: UNKNOWN, alias: 'some', keyRingId: 'some', body: newKey({}) }
    const bodies = { keyActionUnwrapBody: { ciphertext: 'AAAA' }, keyActionRewrapBody: { ciphertext: 'AAAA' } }
    const collected = (resource: object) => ({ metadata: { collectionTotal: 1 }, resources: [resource] })
    const policies = {
      setKeyPoliciesOneOf: collected({ rotation: { interval_month: 1 } }),
      setInstancePoliciesOneOf: collected({ policy_type: 'metrics', policy_data: { enabled: true } }),
    }
    for (const name of stranger.methods) {
      const answer = call(name, { ...needed, ...bodies, ...policies }, stranger)
      await expect(answer, name).rejects.toMatchObject({
        status: 401,
        message: expect.stringMatching(/^Access is denied/),
      })
    }
    const nowhere = await keyProtectClient(server.url, 'no-uuid', { bearerToken: 'manager-token' })
    expect(await refused('getKeys', {}, nowhere)).toBe('400 -')
  })

  it('gets its token for an API key, and none for another', async () => {
    const service = await startKeyService()
    const signedIn = (apikey: string) => keyProtectClient(service.url, service.instance, { apikey, url: service.url })
    const own = await signedIn(API_KEY)
    const { result } = await call('createKey', { body: newKey({ extractable: false }) }, own)
    expect((await call('wrapKey', { id: result.resources[0].id }, own)).status).toBe(200)
    expect(service.requests[0]).toBe('POST /identity/token')
    await expect(call('getKeys', {}, await signedIn('another'))).rejects.toMatchObject({ status: 400 })
    await service.close()
  })

  it('was answered and refused in every call that it has', () => {
    expect(client.methods).toHaveLength(31)
    expect(client.methods.filter((name) => !client.seen.succeeded.has(name))).toEqual([])
    expect(client.methods.filter((name) => !client.seen.refused.has(name))).toEqual([])
  })
})
