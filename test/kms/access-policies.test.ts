import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'

const KEY_TYPE = 'application/vnd.ibm.kms.key+json'
/** KeyPurge is a role of Key Protect's own. */
const serviceRole = (role: string) => ({
  role_id: `crn:v1:bluemix:public:${role === 'KeyPurge' ? 'kms' : 'iam'}::::serviceRole:${role}`,
})

let house: TestHouse
let owner: KeyOwner
beforeAll(async () => {
  house = await startHouse({ settings: { COFFER_KMS_PURGE_DELAY_MS: '0' } })
  owner = await keyOwner(house.controlUrl)
})
afterAll(() => house[Symbol.asyncDispose]())

/** Grants what the account's Key Protect instance has under `attributes` to an identity of the account. */
async function grant(iamId: string, role: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
  const all = { accountId: mainAccount.id, serviceName: 'kms', serviceInstance: mainAccount.keyProtectInstance }
  const { status, json } = await owner.call('POST', '/v1/policies', {
    type: 'access',
    subjects: [{ attributes: [{ name: 'iam_id', value: iamId }] }],
    roles: [serviceRole(role)],
    resources: [{ attributes: Object.entries({ ...all, ...attributes }).map(([name, value]) => ({ name, value })) }],
  })
  expect([status, json]).toMatchObject([201, {}])
}

/** A service ID without any right yet, and how it calls. */
async function newcomer(name: string) {
  const made = await owner.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name })
  const iamId: string = made.json.iam_id
  const key = await owner.call('POST', '/v1/apikeys', { iam_id: iamId, account_id: mainAccount.id, name })
  const token = await iamToken(house.controlUrl, key.json.apikey)
  const call = async (method: string, path: string, { ring, body }: { ring?: string; body?: object } = {}) => {
    const reply = await fetch(`${house.controlUrl}/api/v2${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'bluemix-instance': mainAccount.keyProtectInstance,
        'content-type': 'application/json',
        ...(ring === undefined ? {} : { 'x-kms-key-ring': ring }),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await reply.text()
    return { status: reply.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  return { iamId, call }
}

describe('an access policy', () => {
  it('for one key ring reaches the keys in it and no others, also after a move', async () => {
    const { iamId, call } = await newcomer('of one ring')
    expect((await owner.call('POST', '/api/v2/key_rings/finance')).status).toBe(201)
    const outside = await owner.newKey('outside')
    expect((await call('GET', '/keys')).status).toBe(401)
    await grant(iamId, 'Manager', { keyRing: 'finance' })
    const body = { metadata: { collectionTotal: 1 }, resources: [{ type: KEY_TYPE, name: 'in', extractable: false }] }
    expect((await call('POST', '/keys', { body })).status).toBe(401)
    const made = await call('POST', '/keys', { ring: 'finance', body })
    expect(made.status).toBe(201)
    const inside: string = made.json.resources[0].id
    expect((await call('POST', `/keys/${inside}/actions/wrap`)).status).toBe(200)
    expect((await call('POST', `/keys/${outside.id}/actions/wrap`)).status).toBe(401)
    const listed = await call('GET', '/keys')
    expect(listed.json.resources.map(({ id }: { id: string }) => id)).toEqual([inside])
    expect((await call('PATCH', `/keys/${inside}`, { body: { keyRingID: 'default' } })).status).toBe(401)
    expect((await owner.call('PATCH', `/api/v2/keys/${inside}`, { keyRingID: 'default' })).status).toBe(200)
    expect((await call('POST', `/keys/${inside}/actions/wrap`)).status).toBe(401)
  })

  it('for one key reaches that one, by its alias too, and lists nothing', async () => {
    const { iamId, call } = await newcomer('of one key')
    const [mine, other] = [await owner.newKey('mine', { aliases: ['just-this'] }), await owner.newKey('other')]
    await grant(iamId, 'Reader', { resourceType: 'key', resource: mine.id })
    expect((await call('POST', `/keys/${mine.id}/actions/wrap`)).status).toBe(200)
    expect((await call('POST', '/keys/just-this/actions/wrap')).status).toBe(200)
    expect((await call('POST', `/keys/${other.id}/actions/wrap`)).status).toBe(401)
    expect((await call('GET', '/keys')).status).toBe(401)
  })

  it.each([
    ['in one ring', { resourceType: 'key', keyRing: 'audited' }],
    ['of the instance', { resourceType: 'key' }],
  ])('for keys %s lists and makes them there', async (where, attributes) => {
    const { iamId, call } = await newcomer(`keys ${where}`)
    await owner.call('POST', '/api/v2/key_rings/audited')
    await grant(iamId, 'Writer', attributes)
    const body = { metadata: { collectionTotal: 1 }, resources: [{ type: KEY_TYPE, name: where, extractable: false }] }
    const made = await call('POST', '/keys', { ring: 'audited', body })
    expect(made.status).toBe(201)
    const { id, keyRingID } = made.json.resources[0]
    expect(keyRingID).toBe('audited')
    const listed = await call('GET', '/keys')
    expect(listed.status).toBe(200)
    const rings = new Set(listed.json.resources.map(({ keyRingID: ring }: { keyRingID: string }) => ring))
    expect(rings.has('default')).toBe(where === 'of the instance')
    expect((await call('GET', '/keys', { ring: 'audited' })).json.resources).toContainEqual(
      expect.objectContaining({ id }),
    )
    const elsewhere = await call('POST', '/keys', { body })
    expect(elsewhere.status).toBe(where === 'of the instance' ? 201 : 401)
    // A ring is no key.
    expect((await call('POST', '/key_rings/another')).status).toBe(401)
  })

  it('with KeyPurge lets an identity purge, which no Manager may, and nothing else', async () => {
    const { iamId, call } = await newcomer('purger')
    await grant(iamId, 'KeyPurge')
    const { id } = await owner.newKey('to be purged')
    await owner.remove(id)
    expect((await owner.call('DELETE', `/api/v2/keys/${id}/purge`)).status).toBe(401)
    expect((await call('GET', `/keys/${id}`)).status).toBe(401)
    expect((await call('DELETE', `/keys/${id}/purge`)).status).toBe(204)
    expect((await owner.call('GET', `/api/v2/keys/${id}`)).status).toBe(404)
  })
})
