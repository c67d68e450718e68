import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCOUNT, KEYS, OBJECTS, OBJECTS_CRN, OTHER_ACCOUNT, serveIam, type TestServer } from './serve.ts'

const READER = 'crn:v1:bluemix:public:iam::::serviceRole:Reader'
const target = { service: 'kms', accountId: ACCOUNT, instance: KEYS, resourceType: 'key', resource: 'k' } as const

let server: TestServer
beforeAll(async () => {
  server = await serveIam()
})
afterAll(() => server.close())

const policy = (resource: object[] = [], rest: object = {}) => ({
  type: 'authorization',
  subjects: [
    {
      attributes: [
        { name: 'serviceName', value: 'cloud-object-storage' },
        { name: 'accountId', value: ACCOUNT },
        { name: 'serviceInstance', value: OBJECTS },
      ],
    },
  ],
  roles: [{ role_id: READER }],
  resources: [
    {
      attributes: [
        { name: 'accountId', value: ACCOUNT },
        { name: 'serviceName', value: 'kms' },
        { name: 'serviceInstance', value: KEYS, operator: 'stringEquals' },
        ...resource,
      ],
    },
  ],
  ...rest,
})

interface Call {
  readonly body?: unknown
  readonly raw?: string | Buffer
  readonly apiKey?: string
  readonly headers?: Record<string, string>
}

async function call(method: string, path: string, { body, raw, apiKey = 'k1', headers = {} }: Call = {}) {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${await server.token(apiKey)}`, 'Content-Type': 'application/json', ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const create = async (resource: object[] = [], rest: object = {}) => {
  const made = await call('POST', '/v1/policies', { body: policy(resource, rest) })
  expect(made.status).toBe(201)
  return { id: String(made.body.id), etag: made.headers.get('etag') ?? '', body: made.body }
}

const may = (resource = 'k', action: 'kms.secrets.wrap' | 'kms.secrets.delete' = 'kms.secrets.wrap') =>
  server.iam.isAuthorized(OBJECTS_CRN, { ...target, resource }, action)

describe('an authorization policy', () => {
  it('gives the service its rights when created and takes them when deleted', async () => {
    expect(may()).toBe(false)
    const { id, body } = await create([], { description: 'why' })
    expect(body).toMatchObject({
      type: 'authorization',
      state: 'active',
      description: 'why',
      created_by_id: 'IBMid-main',
      href: `${server.url}/v1/policies/${id}`,
      roles: [{ role_id: READER, display_name: 'Reader' }],
    })
    expect(may()).toBe(true)
    expect(may('k', 'kms.secrets.delete')).toBe(false)
    expect((await call('DELETE', `/v1/policies/${id}`)).status).toBe(204)
    expect(may()).toBe(false)
    expect((await call('DELETE', `/v1/policies/${id}`)).body.errors[0].code).toBe('policy_not_found')
  })

  it('is read with its ETag, replaced with it, and not with an old one', async () => {
    const { id } = await create([
      { name: 'resourceType', value: 'key' },
      { name: 'resource', value: 'only' },
    ])
    expect([may('only'), may('k')]).toEqual([true, false])
    const read = await call('GET', `/v1/policies/${id}`)
    const etag = read.headers.get('etag') ?? ''
    const wider = policy([{ name: 'resource', value: 'on*', operator: 'stringMatch' }])
    const replaced = await call('PUT', `/v1/policies/${id}`, { body: wider, headers: { 'If-Match': etag } })
    expect(replaced.status).toBe(200)
    expect([may('only'), may('once'), may('k')]).toEqual([true, true, false])
    const stale = await call('PUT', `/v1/policies/${id}`, { body: policy(), headers: { 'If-Match': etag } })
    expect([stale.status, stale.body.errors[0].code]).toEqual([412, 'policy_conflict_error'])
    const without = await call('PUT', `/v1/policies/${id}`, { body: policy() })
    expect(without.status).toBe(400)
    await call('DELETE', `/v1/policies/${id}`)
  })

  it('comes back by its state', async () => {
    const { id } = await create()
    await call('DELETE', `/v1/policies/${id}`)
    const deleted = await call('GET', `/v1/policies/${id}`)
    expect(deleted.body.state).toBe('deleted')
    const headers = { 'If-Match': deleted.headers.get('etag') ?? '' }
    const restored = await call('PATCH', `/v1/policies/${id}`, { body: { state: 'active' }, headers })
    expect([restored.status, restored.body.state, may()]).toEqual([200, 'active', true])
    await call('DELETE', `/v1/policies/${id}`)
  })

  it('is listed in its account, by state and page', async () => {
    const made = [
      await create(),
      await create([{ name: 'resource', value: 'a' }]),
      await create([{ name: 'resource', value: 'b' }]),
    ]
    const list = async (query: string) => (await call('GET', `/v1/policies?account_id=${ACCOUNT}${query}`)).body
    const idsOf = (listed: { policies: { id: string }[] }) => listed.policies.map(({ id }) => id)
    expect(idsOf(await list('&type=authorization')).sort()).toEqual(made.map(({ id }) => id).sort())
    const first = await list('&limit=2')
    const second = await list(`&limit=2&start=${first.next.start}`)
    expect([...idsOf(first), ...idsOf(second)].sort()).toEqual(made.map(({ id }) => id).sort())
    expect(second.next).toBeUndefined()
    for (const { id } of made) await call('DELETE', `/v1/policies/${id}`)
    expect(idsOf(await list(''))).toEqual([])
    expect(idsOf(await list('&state=deleted'))).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
  })

  it('is not made twice', async () => {
    const { id } = await create()
    const twin = await call('POST', '/v1/policies', { body: policy() })
    expect([twin.status, twin.body.errors[0].code]).toEqual([409, 'policy_conflict_error'])
    await call('DELETE', `/v1/policies/${id}`)
  })
})

describe('permission for policies', () => {
  it('needs Administrator; a viewer may look', async () => {
    const { id, etag } = await create()
    const headers = { 'If-Match': etag }
    for (const [method, path, body] of [
      ['POST', '/v1/policies', policy()],
      ['PUT', `/v1/policies/${id}`, policy()],
      ['PATCH', `/v1/policies/${id}`, { state: 'deleted' }],
      ['DELETE', `/v1/policies/${id}`, undefined],
    ] as const) {
      const answer = await call(method, path, { apiKey: 'kr', headers, ...(body ? { body } : {}) })
      expect([method, answer.status, answer.body.errors[0].code]).toEqual([method, 403, 'insufficent_permissions'])
    }
    expect((await call('GET', `/v1/policies/${id}`, { apiKey: 'kr' })).status).toBe(200)
    await call('DELETE', `/v1/policies/${id}`)
  })

  it('shows another account nothing', async () => {
    const { id, etag } = await create()
    const headers = { 'If-Match': etag }
    expect((await call('GET', `/v1/policies/${id}`, { apiKey: 'k2' })).status).toBe(404)
    expect((await call('DELETE', `/v1/policies/${id}`, { apiKey: 'k2' })).status).toBe(404)
    expect((await call('PUT', `/v1/policies/${id}`, { apiKey: 'k2', headers, body: policy() })).status).toBe(404)
    expect((await call('GET', `/v1/policies?account_id=${ACCOUNT}`, { apiKey: 'k2' })).status).toBe(403)
    expect((await call('POST', '/v1/policies', { apiKey: 'k2', body: policy() })).status).toBe(403)
    await call('DELETE', `/v1/policies/${id}`)
  })

  it('cannot be got by naming the own account around another account’s instance', async () => {
    const body = policy()
    for (const attribute of body.resources[0]?.attributes ?? []) {
      if ('name' in attribute && attribute.name === 'accountId') Object.assign(attribute, { value: OTHER_ACCOUNT })
    }
    const made = await call('POST', '/v1/policies', { apiKey: 'k2', body })
    expect(made.status).toBe(201)
    expect(may()).toBe(false)
    await call('DELETE', `/v1/policies/${made.body.id}`, { apiKey: 'k2' })
  })

  it.each([{}, { Authorization: '' }, { Authorization: 'Bearer x' }, { Authorization: 'Basic Yng6Yng=' }])(
    'needs a token: %o',
    async (headers) => {
      const response = await fetch(`${server.url}/v1/policies?account_id=${ACCOUNT}`, { headers })
      const body = JSON.parse(await response.text())
      expect([response.status, body.errors[0].code, body.status_code]).toEqual([401, 'invalid_token', 401])
      expect(body.trace).toBe(response.headers.get('transaction-id'))
    },
  )
})

describe('a bad policy', () => {
  const changed = (change: object) => ({ ...policy(), ...change })
  const attributes = (list: object[]) => [{ attributes: list }]

  it.each<[string, unknown]>([
    ['an unknown member', changed({ surprise: 1 })],
    ['a member named __proto__', JSON.parse(`{"__proto__":{"x":1},${JSON.stringify(policy()).slice(1)}`)],
    ['no subject', changed({ subjects: [] })],
    ['two resources', changed({ resources: [...policy().resources, ...policy().resources] })],
    ['no role', changed({ roles: [] })],
    ['an unknown role', changed({ roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:__proto__' }] })],
    ['a platform role', changed({ roles: [{ role_id: 'crn:v1:bluemix:public:iam::::role:Administrator' }] })],
    ['a role no service gets', changed({ roles: [{ role_id: 'crn:v1:bluemix:public:kms::::serviceRole:KeyPurge' }] })],
    ['an unknown service', changed({ subjects: attributes([{ name: 'serviceName', value: 'constructor' }]) })],
    ['an attribute that would be ignored', policy([{ name: 'service_group_id', value: 'IAM' }])],
    ['an attribute twice', policy([{ name: 'serviceName', value: 'kms' }])],
    ['an unknown operator', policy([{ name: 'resource', value: 'x', operator: 'stringExists' }])],
    [
      'a pattern for the account',
      changed({
        resources: attributes([
          { name: 'accountId', value: '*', operator: 'stringMatch' },
          { name: 'serviceName', value: 'kms' },
        ]),
      }),
    ],
    ['a number for a name', policy([{ name: 1, value: 'x' }])],
    ['a list', []],
    ['null', null],
  ])('with %s is refused', async (_, body) => {
    const answer = await call('POST', '/v1/policies', { body })
    expect([answer.status, answer.body.errors[0].code]).toEqual([400, 'invalid_body'])
  })

  it.each<[string, string | Buffer]>([
    ['half of it', '{"type":'],
    ['text', 'authorization'],
    ['nothing', ''],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('as %s is refused', async (_, raw) => {
    const answer = await call('POST', '/v1/policies', { raw })
    expect([answer.status, answer.body.errors[0].code]).toEqual([400, 'invalid_body'])
  })

  it.each([
    ['no account', '', 'missing_required_query_parameter'],
    ['a limit of 0', `account_id=${ACCOUNT}&limit=0`, 'invalid_query_parameter'],
    ['a limit of many', `account_id=${ACCOUNT}&limit=1e9`, 'invalid_query_parameter'],
    ['a foreign start', `account_id=${ACCOUNT}&limit=1&start=x`, 'invalid_query_parameter'],
    ['a bad escape', 'account_id=%zz', 'request_not_processed'],
    ['a parameter twice', `account_id=${ACCOUNT}&account_id=${ACCOUNT}`, 'request_not_processed'],
  ])('list with %s is refused', async (_, query, code) => {
    const answer = await call('GET', `/v1/policies?${query}`)
    expect([answer.status, answer.body.errors[0].code]).toEqual([400, code])
  })

  it('id that is a property name is not found', async () => {
    expect((await call('GET', '/v1/policies/__proto__')).status).toBe(404)
    expect((await call('GET', '/v1/policies/%2e%2e%2fkeys')).status).toBe(404)
  })
})
