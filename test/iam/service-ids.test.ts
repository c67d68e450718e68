import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IbmClient, ibmCall, ibmRefusal, platformClient } from '../support/ibm-clients.ts'
import { ACCOUNT, OTHER_ACCOUNT, serveIam, type TestServer } from './serve.ts'

let server: TestServer
let identity: IbmClient
let asViewer: IbmClient
let asOther: IbmClient
beforeAll(async () => {
  server = await serveIam()
  identity = await platformClient('iam-identity/v1', server.url, 'k1')
  asViewer = await platformClient('iam-identity/v1', server.url, 'kr')
  asOther = await platformClient('iam-identity/v1', server.url, 'k2')
})
afterAll(() => server.close())

const call = (name: string, parameters: object, client: IbmClient = identity) => ibmCall(client, name, parameters)
const refusal = (name: string, parameters: object, client?: IbmClient) => ibmRefusal(call(name, parameters, client))
const create = async (name: string, more: object = {}) =>
  (await call('createServiceId', { accountId: ACCOUNT, name, ...more })).result

describe('a service ID', () => {
  it('is created and read', async () => {
    const { status, result, headers } = await call('createServiceId', {
      accountId: ACCOUNT,
      name: 'reader',
      description: 'reads',
      uniqueInstanceCrns: ['crn:v1:bluemix:public:x:y:a/z:1::'],
    })
    expect(status).toBe(201)
    expect(result).toMatchObject({
      id: expect.stringMatching(/^ServiceId-[0-9a-f-]{36}$/),
      iam_id: `iam-${result.id}`,
      crn: `crn:v1:bluemix:public:iam-identity::a/${ACCOUNT}::serviceid:${result.id}`,
      account_id: ACCOUNT,
      name: 'reader',
      description: 'reads',
      unique_instance_crns: ['crn:v1:bluemix:public:x:y:a/z:1::'],
      locked: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d\+0000$/),
    })
    expect(headers['etag']).toBe(result.entity_tag)
    const { context: _, ...read } = (await call('getServiceId', { id: result.id })).result
    const { context: __, ...made } = result
    expect(read).toEqual(made)
  })

  it('is changed by who has seen its latest version', async () => {
    const made = await create('changing', { description: 'first' })
    const changed = await call('updateServiceId', { id: made.id, ifMatch: made.entity_tag, description: 'second' })
    expect(changed.result).toMatchObject({ name: 'changing', description: 'second' })
    expect(changed.result.entity_tag).not.toBe(made.entity_tag)
    expect(await refusal('updateServiceId', { id: made.id, ifMatch: made.entity_tag, name: 'late' })).toBe(
      '409 conflict',
    )
    const cleared = await call('updateServiceId', { id: made.id, ifMatch: '*', name: 'named', description: '' })
    expect(cleared.result).toMatchObject({ name: 'named' })
    expect(cleared.result.description).toBeUndefined()
    const { result } = await call('getServiceId', { id: made.id, includeHistory: true })
    expect(result.history.map(({ action }: { action: string }) => action)).toEqual(['CREATE', 'UPDATE', 'UPDATE'])
  })

  it('is neither changed nor deleted while it is locked, and works', async () => {
    const made = await create('locked', { apikey: { name: 'its key' } })
    expect((await call('lockServiceId', { id: made.id })).status).toBe(204)
    expect((await call('getServiceId', { id: made.id })).result.locked).toBe(true)
    expect(await refusal('updateServiceId', { id: made.id, ifMatch: '*', name: 'x' })).toBe('409 conflict')
    expect(await refusal('deleteServiceId', { id: made.id })).toBe('409 conflict')
    await expect(server.token(made.apikey.apikey)).resolves.toBeDefined()
    expect((await call('unlockServiceId', { id: made.id })).status).toBe(204)
    expect((await call('deleteServiceId', { id: made.id })).status).toBe(204)
  })

  it('may be locked from the beginning', async () => {
    expect((await create('born locked', { entityLock: 'true' })).locked).toBe(true)
  })

  it('ends with its key and its tokens when it is deleted', async () => {
    const made = await create('leaving', { apikey: { name: 'its key' } })
    const jwt = await server.token(made.apikey.apikey)
    await expect(server.iam.verifyToken(jwt)).resolves.toMatchObject({ type: 'service-id', iamId: made.iam_id })
    await call('deleteServiceId', { id: made.id })
    await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(server.token(made.apikey.apikey)).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    expect(await refusal('getServiceId', { id: made.id })).toBe('404 not_found')
    expect(await refusal('deleteServiceId', { id: made.id })).toBe('404 not_found')
  })

  it('is listed page by page, by name, and sorted', async () => {
    for (const name of ['page b', 'page a', 'page c']) await create(name)
    const seen: string[] = []
    let pagetoken: string | null = null
    do {
      const { result } = await call('listServiceIds', {
        accountId: ACCOUNT,
        pagesize: 2,
        sort: 'name',
        order: 'desc',
        ...(pagetoken === null ? {} : { pagetoken }),
      })
      expect(result.limit).toBe(2)
      seen.push(...result.serviceids.map(({ name }: { name: string }) => name))
      pagetoken = result.next === undefined ? null : new URL(result.next).searchParams.get('pagetoken')
    } while (pagetoken !== null)
    expect(seen).toEqual([...seen].sort().reverse())
    expect(seen.filter((name) => name.startsWith('page'))).toEqual(['page c', 'page b', 'page a'])
    const named = (await call('listServiceIds', { accountId: ACCOUNT, name: 'page a' })).result
    expect(named).toMatchObject({ offset: 0, limit: 20, serviceids: [{ name: 'page a' }] })
    expect(named.next).toBeUndefined()
  })

  it('may be asked for with the pager of the client', async () => {
    const { result } = await call('listServiceIds', { accountId: ACCOUNT, pagesize: 1 })
    const next = await fetch(result.next, { headers: { authorization: `Bearer ${await server.token('k1')}` } })
    expect(await next.json()).toMatchObject({ offset: 1, limit: 1, previous: expect.any(String) })
  })
})

describe('service IDs of an account', () => {
  it('are seen by a viewer, and changed by none', async () => {
    const made = await create('seen')
    expect((await call('getServiceId', { id: made.id }, asViewer)).result.name).toBe('seen')
    expect(await refusal('createServiceId', { accountId: ACCOUNT, name: 'x' }, asViewer)).toBe('403 forbidden')
    expect(await refusal('updateServiceId', { id: made.id, ifMatch: '*', name: 'x' }, asViewer)).toBe('403 forbidden')
    expect(await refusal('lockServiceId', { id: made.id }, asViewer)).toBe('403 forbidden')
    expect(await refusal('deleteServiceId', { id: made.id }, asViewer)).toBe('403 forbidden')
  })

  it('do not exist for another account', async () => {
    const made = await create('ours')
    expect(await refusal('getServiceId', { id: made.id }, asOther)).toBe('404 not_found')
    expect(await refusal('deleteServiceId', { id: made.id }, asOther)).toBe('404 not_found')
    expect(await refusal('listServiceIds', { accountId: ACCOUNT }, asOther)).toBe('403 forbidden')
    expect(await refusal('createServiceId', { accountId: ACCOUNT, name: 'x' }, asOther)).toBe('403 forbidden')
    expect(await refusal('createServiceId', { accountId: OTHER_ACCOUNT, name: 'x' }, identity)).toBe('403 forbidden')
  })

  it.each([
    ['a name that is no text', { name: 5 }, '400 invalid_request'],
    ['a name without end', { name: 'n'.repeat(300) }, '400 invalid_request'],
    ['a key that is to be kept', { name: 'n', apikey: { name: 'k', store_value: true } }, '400 invalid_request'],
    ['a key that is short', { name: 'n', apikey: { name: 'k', apikey: 'short' } }, '400 invalid_request'],
    ['a group', { name: 'n', groupId: 'g' }, '400 invalid_request'],
  ])('are not created with %s', async (_, parameters, expected) => {
    const before = (await call('listServiceIds', { accountId: ACCOUNT, pagesize: 100 })).result.serviceids.length
    expect(await refusal('createServiceId', { accountId: ACCOUNT, ...parameters })).toBe(expected)
    const after = (await call('listServiceIds', { accountId: ACCOUNT, pagesize: 100 })).result.serviceids.length
    expect(after).toBe(before)
  })

  it.each([
    ['listServiceIds', {}],
    ['listServiceIds', { accountId: ACCOUNT, pagesize: 101 }],
    ['listServiceIds', { accountId: ACCOUNT, sort: '__proto__' }],
    ['listServiceIds', { accountId: ACCOUNT, order: 'up' }],
    ['listServiceIds', { accountId: ACCOUNT, pagetoken: 'nonsense' }],
    ['listServiceIds', { accountId: ACCOUNT, filter: 'name eq "x"' }],
  ])('%s refuses %j', async (name, parameters) => {
    expect(await refusal(name, parameters)).toBe('400 invalid_request')
  })

  it('are shown to nobody without a token, and to no service', async () => {
    const url = `${server.url}/v1/serviceids?account_id=${ACCOUNT}`
    const anonymous = await fetch(url)
    expect(anonymous.status).toBe(401)
    expect(await anonymous.json()).toMatchObject({
      status_code: '401',
      errors: [{ code: 'unauthorized', message_code: 'BXNIM0308E' }],
      trace: expect.any(String),
    })
    const instance = server.iam.instances({ accountId: ACCOUNT })[0]?.crn ?? ''
    const { accessToken } = await server.iam.tokens.issueForService(await server.token('k1'), instance)
    const asService = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } })
    expect(asService.status).toBe(403)
  })
})

describe('the keys that sign tokens', () => {
  const ask = async (method: string, path: string, apiKey: string) => {
    const headers = { authorization: `Bearer ${await server.token(apiKey)}` }
    const reply = await fetch(`${server.url}/coffer/v1/signing-keys${path}`, { method, headers })
    return { status: reply.status, body: JSON.parse(await reply.text()) }
  }

  it('are changed by an administrator, once until the next one signs', async () => {
    const first = await ask('POST', '/rotate', 'k1')
    expect(first).toMatchObject({ status: 200, body: { state: 'waiting' } })
    expect((await ask('POST', '/rotate', 'k1')).body.kid).toBe(first.body.kid)
    expect((await ask('GET', '', 'kr')).body.signing_keys).toMatchObject([{ state: 'signing' }, { state: 'waiting' }])
    expect((await ask('POST', '/rotate', 'kr')).status).toBe(403)
  })

  it('are not changed by the administrator of another account than the operator: they sign the tokens of all', async () => {
    const before = server.iam.signingKeys.list()
    expect((await ask('POST', '/rotate', 'k2')).status).toBe(403)
    expect(server.iam.signingKeys.list()).toEqual(before)
  })
})
