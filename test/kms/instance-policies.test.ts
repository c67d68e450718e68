import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { MANAGER, OTHER_MANAGER } from '../support/kms-world.ts'

const POLICY_TYPE = 'application/vnd.ibm.kms.policy+json'

let server: KeyProtectServer
beforeEach(async () => {
  server = await keyProtectServer()
})
afterEach(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)
interface Policy {
  readonly type: string
  readonly enabled?: boolean
  readonly attributes?: object
}
const body = (...policies: readonly Policy[]) => ({
  metadata: { collectionType: POLICY_TYPE, collectionTotal: policies.length },
  resources: policies.map(({ type, enabled = true, attributes }) => ({
    policy_type: type,
    policy_data: { enabled, ...(attributes ? { attributes } : {}) },
  })),
})
const put = (policy: Policy, headers = {}) =>
  call('PUT', `/instance/policies?policy=${policy.type}`, { body: body(policy), headers })
const shown = async (type: string) => {
  const { json } = await call('GET', `/instance/policies?policy=${type}`)
  return json.resources?.[0]
}
const create = (resource: object) => call('POST', '/keys', { body: newKey(resource) })
const material = Buffer.alloc(32, 7).toString('base64')

const GOOD: readonly (readonly [string, object | undefined])[] = [
  ['allowedNetwork', { allowed_network: 'public-and-private' }],
  ['dualAuthDelete', undefined],
  ['allowedIP', { allowed_ip: ['127.0.0.0/8', '2001:db8::/32'] }],
  [
    'keyCreateImportAccess',
    {
      create_root_key: true,
      create_standard_key: true,
      import_root_key: true,
      import_standard_key: true,
      enforce_token: true,
    },
  ],
  ['metrics', undefined],
  ['rotation', { interval_month: 4 }],
]

describe('PUT and GET /instance/policies', () => {
  it.each(GOOD)('set and show %s, and disable it without attributes', async (type, attributes) => {
    expect(await shown(type)).toBeUndefined()
    const policy = attributes ? { type, attributes } : { type }
    expect(await put(policy)).toMatchObject({ status: 204, text: '' })
    const facts = { creationDate: '2030-01-01T00:00:00Z', createdBy: MANAGER.iamId, policy_type: type }
    expect(await shown(type)).toEqual({
      ...facts,
      updatedBy: MANAGER.iamId,
      lastUpdated: '2030-01-01T00:00:00Z',
      policy_data: { enabled: true, ...(attributes ? { attributes } : {}) },
    })
    server.passTime(1000)
    expect((await put({ type, enabled: false }, as('other-manager'))).status).toBe(204)
    expect(await shown(type)).toEqual({
      ...facts,
      updatedBy: OTHER_MANAGER.iamId,
      lastUpdated: '2030-01-01T00:00:01Z',
      policy_data: { enabled: false },
    })
  })

  it('take all at once, all or none, and survive a restart', async () => {
    const all = GOOD.map(([type, attributes]) => (attributes ? { type, attributes } : { type }))
    const spoilt = body(...all.slice(0, 5), { type: 'rotation', attributes: { interval_month: 13 } })
    expect(refusal(await call('PUT', '/instance/policies', { body: spoilt }))).toBe('400 INVALID_FIELD_ERR')
    expect((await call('GET', '/instance/policies')).json.metadata.collectionTotal).toBe(0)
    expect((await call('PUT', '/instance/policies', { body: body(...all) })).status).toBe(204)
    const { json } = await call('GET', '/instance/policies')
    expect(json.metadata).toEqual({ collectionType: POLICY_TYPE, collectionTotal: 6 })
    expect(json.resources.map(({ policy_type }: { policy_type: string }) => policy_type)).toEqual(
      GOOD.map(([type]) => type),
    )
    const caller = { ...server.caller, address: '127.0.0.1' }
    const before = server.kms.getInstancePolicies(caller)
    const { kms } = await server.reopen()
    expect(kms.getInstancePolicies(caller)).toEqual(before)
  })

  it('give keyCreateImportAccess its defaults for what is left out', async () => {
    await put({ type: 'keyCreateImportAccess', attributes: { create_root_key: false } })
    await put({ type: 'keyCreateImportAccess', attributes: { import_root_key: false } })
    expect((await shown('keyCreateImportAccess')).policy_data.attributes).toEqual({
      create_root_key: true,
      create_standard_key: true,
      import_root_key: false,
      import_standard_key: true,
      enforce_token: false,
    })
  })

  const rotation = { type: 'rotation', attributes: { interval_month: 1 } }
  it.each<readonly [string, string, object, string]>([
    ['attributes of a policy that is off', '', body({ ...rotation, enabled: false }), '400 INVALID_FIELD_ERR'],
    ['no attributes where they are needed', '', body({ type: 'allowedIP' }), '400 INVALID_FIELD_ERR'],
    ['attributes of another policy', '', body({ ...rotation, type: 'allowedNetwork' }), '400 INVALID_FIELD_ERR'],
    ['attributes of a policy that has none', '', body({ ...rotation, type: 'metrics' }), '400 INVALID_FIELD_ERR'],
    [
      'a network that is none',
      '',
      body({ type: 'allowedNetwork', attributes: { allowed_network: 'mine' } }),
      '400 INVALID_FIELD_ERR',
    ],
    ['no addresses', '', body({ type: 'allowedIP', attributes: { allowed_ip: [] } }), '400 INVALID_FIELD_ERR'],
    [
      'an address without a length',
      '',
      body({ type: 'allowedIP', attributes: { allowed_ip: ['192.0.2.1'] } }),
      '400 INVALID_FIELD_ERR',
    ],
    [
      'an address that is none',
      '',
      body({ type: 'allowedIP', attributes: { allowed_ip: ['192.0.2.0/33'] } }),
      '400 INVALID_FIELD_ERR',
    ],
    ['an unknown attribute', '', body({ type: 'rotation', attributes: { months: 1 } }), '400 BAD_BODY_ERR'],
    ['an unknown policy', '', body({ type: 'colour' }), '400 INVALID_FIELD_ERR'],
    ['another policy than the query', '?policy=metrics', body(rotation), '400 BODY_QUERY_PARAM_MISMATCH_ERR'],
    ['an unknown policy in the query', '?policy=colour', body(rotation), '400 INVALID_QUERY_PARAM_ERR'],
    ['two for one query', '?policy=rotation', body(rotation, rotation), '400 NUM_COLLECTION_RESOURCE_ERR'],
    ['the same twice', '', body(rotation, rotation), '400 BAD_BODY_ERR'],
    ['a wrong total', '', { ...body(rotation), metadata: { collectionTotal: 3 } }, '400 COLLECTION_TOTAL_MISMATCH_ERR'],
  ])('refuse %s', async (_, query, sent, expected) => {
    expect(refusal(await call('PUT', `/instance/policies${query}`, { body: sent }))).toBe(expected)
  })
})

describe('new keys', () => {
  it('get dual authorization from the instance, keys that were there do not', async () => {
    const before = await server.rootKey()
    await put({ type: 'dualAuthDelete' })
    expect((await create({})).json.resources[0].dualAuthDelete).toEqual({ enabled: true })
    expect((await call('DELETE', `/keys/${before}`)).status).toBe(204)
    await put({ type: 'dualAuthDelete', enabled: false })
    expect((await create({})).json.resources[0].dualAuthDelete).toEqual({ enabled: false })
  })

  it('get their rotation from the instance, where they can rotate', async () => {
    await put({ type: 'rotation', attributes: { interval_month: 6 } })
    expect((await create({ extractable: false })).json.resources[0].rotation).toEqual({
      enabled: true,
      interval_month: 6,
    })
    expect((await create({})).json.resources[0]).not.toHaveProperty('rotation')
    const imported = await create({ extractable: false, payload: material })
    expect(imported.json.resources[0]).not.toHaveProperty('rotation')
  })

  it.each([
    ['create_root_key', { extractable: false }],
    ['create_standard_key', {}],
    ['import_root_key', { extractable: false, payload: material }],
    ['import_standard_key', { payload: material }],
  ])('are refused as keyCreateImportAccess says: %s', async (attribute, forbidden) => {
    const all = [{ extractable: false }, {}, { extractable: false, payload: material }, { payload: material }]
    await put({ type: 'keyCreateImportAccess', attributes: { [attribute]: false } })
    for (const resource of all) {
      const answer = await create(resource)
      if (JSON.stringify(resource) === JSON.stringify(forbidden)) {
        expect(refusal(answer)).toBe('409 KEY_CREATE_IMPORT_ACCESS_ERR')
      } else {
        expect(answer.status).toBe(201)
      }
    }
    await put({ type: 'keyCreateImportAccess', enabled: false })
    expect((await create(forbidden)).status).toBe(201)
  })

  it('are imported under a token only when that is enforced, and so is all material that comes later', async () => {
    const imported = await server.rootKey({ payload: material })
    const deleted = await server.rootKey({ payload: material })
    await call('DELETE', `/keys/${deleted}`)
    await put({ type: 'keyCreateImportAccess', attributes: { enforce_token: true } })
    const refused = '409 KEY_CREATE_IMPORT_ACCESS_ERR'
    expect(refusal(await create({ extractable: false, payload: material }))).toBe(refused)
    expect((await create({ extractable: false })).status).toBe(201)
    const payload = Buffer.alloc(32, 8).toString('base64')
    expect(refusal(await call('POST', `/keys/${imported}/actions/rotate`, { body: { payload } }))).toBe(refused)
    const again = newKey({ payload: material })
    expect(refusal(await call('POST', `/keys/${deleted}/restore`, { body: again }))).toBe(refused)
    expect((await call('POST', `/keys/${deleted}/restore`)).status).toBe(201)
  })
})

describe('POST /keys_with_policy_overrides', () => {
  const override = (resource: object, headers = {}) =>
    call('POST', '/keys_with_policy_overrides', { body: newKey({ extractable: false, ...resource }), headers })

  it('makes a key with policies of its own', async () => {
    await put({ type: 'dualAuthDelete' })
    await put({ type: 'rotation', attributes: { interval_month: 6 } })
    const { status, json } = await override({
      rotation: { enabled: true, interval_month: 2 },
      dualAuthDelete: { enabled: false },
    })
    expect(status).toBe(201)
    expect(json.resources[0]).toMatchObject({
      rotation: { enabled: true, interval_month: 2 },
      dualAuthDelete: { enabled: false },
    })
    const policies = await call('GET', `/keys/${json.resources[0].id}/policies`)
    expect(policies.json.metadata.collectionTotal).toBe(1)
  })

  it('leaves what is not overridden to the instance, and obeys keyCreateImportAccess', async () => {
    await put({ type: 'rotation', attributes: { interval_month: 6 } })
    const { json } = await override({ dualAuthDelete: { enabled: true } })
    expect(json.resources[0]).toMatchObject({
      rotation: { enabled: true, interval_month: 6 },
      dualAuthDelete: { enabled: true },
    })
    await put({ type: 'keyCreateImportAccess', attributes: { create_root_key: false } })
    expect(refusal(await override({}))).toBe('409 KEY_CREATE_IMPORT_ACCESS_ERR')
  })

  it('is for managers, answers as preferred, and refuses what no policy can be', async () => {
    expect((await override({}, as('writer'))).status).toBe(401)
    const { json } = await override({}, { prefer: 'return=minimal' })
    expect(Object.keys(json.resources[0])).toEqual(['type', 'id'])
    expect(refusal(await override({ rotation: { interval_month: 13 } }))).toBe('400 INVALID_FIELD_ERR')
    expect(refusal(await override({ payload: material, rotation: { interval_month: 1 } }))).toBe(
      '400 INVALID_FIELD_ERR',
    )
    expect(refusal(await override({ dualAuthDelete: {} }))).toBe('400 INVALID_FIELD_ERR')
    expect(refusal(await call('POST', '/keys', { body: newKey({ rotation: {} }) }))).toBe('400 BAD_BODY_ERR')
  })
})

it('GET /instance/allowed_ip_port names the port that the question came to', async () => {
  const { status, json } = await call('GET', '/instance/allowed_ip_port', { headers: as('reader') })
  expect(status).toBe(200)
  expect(json).toEqual({
    metadata: { collectionType: 'application/vnd.ibm.kms.allowed_ip_metadata+json', collectionTotal: 1 },
    resources: [{ private_endpoint_port: Number(new URL(server.url).port) }],
  })
})
