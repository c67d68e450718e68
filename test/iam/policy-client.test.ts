import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { applyBootstrap } from '../../src/iam/bootstrap.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { type IbmClient, ibmCall, ibmPackages, ibmRefusal, platformClient } from '../support/ibm-clients.ts'
import {
  ACCOUNT,
  BOOTSTRAP,
  KEYS,
  OBJECTS,
  OTHER_ACCOUNT,
  openTestIam,
  putSomebody,
  serveIam,
  type TestServer,
} from './serve.ts'

const role = (name: string) => ({ role_id: `crn:v1:bluemix:public:iam::::${name}` })
const VIEWER = role('role:Viewer')
const ADMINISTRATOR = role('role:Administrator')
const READER = role('serviceRole:Reader')
const WRITER = role('serviceRole:Writer')

let server: TestServer
let policies: IbmClient
let asViewer: IbmClient
let asOther: IbmClient
beforeAll(async () => {
  server = await serveIam()
  policies = await platformClient('iam-policy-management/v1', server.url, 'k1')
  asViewer = await platformClient('iam-policy-management/v1', server.url, 'kr')
  asOther = await platformClient('iam-policy-management/v1', server.url, 'k2')
  await putSomebody(server.iam, 'IBMid-somebody', 'IBMid-a', 'IBMid-b', 'IBMid-c', 'IBMid-x', 'IBMid-remover')
})
afterAll(() => server.close())
afterEach(async () => {
  for (const { id, state } of [...server.iam.policies.list(ACCOUNT)]) {
    if (state === 'active') await server.iam.policies.delete(id, 'test')
  }
})

const call = (name: string, parameters: object, client: IbmClient = policies) => ibmCall(client, name, parameters)
const refusal = (name: string, parameters: object, client?: IbmClient) => ibmRefusal(call(name, parameters, client))

const v1 = (iamId = 'IBMid-somebody', rest: object = {}) => ({
  type: 'access',
  subjects: [{ attributes: [{ name: 'iam_id', value: iamId }] }],
  roles: [READER],
  resources: [
    {
      attributes: [
        { name: 'accountId', value: ACCOUNT, operator: 'stringEquals' },
        { name: 'serviceName', value: 'kms', operator: 'stringEquals' },
        { name: 'serviceInstance', value: KEYS, operator: 'stringEquals' },
      ],
    },
  ],
  ...rest,
})
const equals = (key: string, value: unknown, operator = 'stringEquals') => ({ key, operator, value })
const v2 = (iamId = 'IBMid-somebody', rest: object = {}, resource: readonly object[] = []) => ({
  type: 'access',
  subject: { attributes: [equals('iam_id', iamId)] },
  control: { grant: { roles: [READER] } },
  resource: { attributes: [equals('accountId', ACCOUNT), equals('serviceName', 'kms'), ...resource] },
  ...rest,
})
const WORKING_HOURS = {
  pattern: 'time-based-conditions:weekly:custom-hours',
  rule: {
    operator: 'and',
    conditions: [
      {
        key: '{{environment.attributes.day_of_week}}',
        operator: 'dayOfWeekAnyOf',
        value: ['1+00:00', '2+00:00', '3+00:00', '4+00:00', '5+00:00'],
      },
      {
        key: '{{environment.attributes.current_time}}',
        operator: 'timeGreaterThanOrEquals',
        value: '09:00:00+00:00',
      },
      { key: '{{environment.attributes.current_time}}', operator: 'timeLessThanOrEquals', value: '17:00:00+00:00' },
    ],
  },
}

describe('the v1 calls of the client', () => {
  it('create, get, replace, delete and restore an access policy, and answer what was sent', async () => {
    const sent = v1('IBMid-a', { description: 'why' })
    const made = await call('createPolicy', sent)
    expect(made.status).toBe(201)
    expect(made.result).toMatchObject({
      type: 'access',
      state: 'active',
      description: 'why',
      created_by_id: 'IBMid-main',
      last_modified_by_id: 'IBMid-main',
      href: `${server.url}/v1/policies/${made.result.id}`,
      roles: [{ ...READER, display_name: 'Reader' }],
    })
    expect([made.result.subjects, made.result.resources]).toEqual([sent.subjects, sent.resources])
    const policyId = made.result.id
    const read = await call('getPolicy', { policyId })
    expect([read.status, read.result]).toEqual([200, made.result])

    const ifMatch = read.headers['etag']
    const replaced = await call('replacePolicy', { ...sent, policyId, ifMatch, roles: [WRITER] })
    expect([replaced.status, replaced.result.roles[0].role_id]).toEqual([200, WRITER.role_id])
    expect(replaced.headers['etag']).not.toBe(ifMatch)
    expect(await refusal('replacePolicy', { ...sent, policyId, ifMatch })).toBe('412 policy_conflict_error')

    expect((await call('deletePolicy', { policyId })).status).toBe(204)
    expect(await refusal('deletePolicy', { policyId })).toBe('404 policy_not_found')
    const deleted = await call('getPolicy', { policyId })
    expect(deleted.result.state).toBe('deleted')
    const stale = { policyId, ifMatch, state: 'active' }
    expect(await refusal('updatePolicyState', stale)).toBe('412 policy_conflict_error')
    const restored = await call('updatePolicyState', { ...stale, ifMatch: deleted.headers['etag'] })
    expect([restored.status, restored.result.state]).toEqual([200, 'active'])
  })

  it('name the policy that a new one would repeat, whatever the order', async () => {
    const made = await call('createPolicy', v1('IBMid-a', { roles: [READER, WRITER] }))
    const twin = v1('IBMid-a', { roles: [WRITER, READER], description: 'another' })
    twin.resources[0]?.attributes.reverse()
    const refused = await call('createPolicy', twin).catch((error: unknown) => Object(error))
    expect(refused.status).toBe(409)
    expect(JSON.parse(refused.body)).toMatchObject({
      trace: expect.any(String),
      status_code: 409,
      errors: [{ code: 'policy_conflict_error', details: { conflicts_with: { policy: made.result.id } } }],
    })
    await call('createPolicy', v1('IBMid-b', { roles: [READER, WRITER] }))
  })

  it('refuse what is wrong', async () => {
    const { result } = await call('createPolicy', v1())
    expect(await refusal('getPolicy', { policyId: 'unknown' })).toBe('404 policy_not_found')
    expect(await refusal('getPolicy', { policyId: result.id }, asOther)).toBe('404 policy_not_found')
    expect(await refusal('createPolicy', v1('IBMid-x'), asViewer)).toBe('403 insufficent_permissions')
    expect(await refusal('createPolicy', v1('IBMid-x'), asOther)).toBe('403 insufficent_permissions')
    expect(await refusal('listPolicies', { accountId: ACCOUNT }, asOther)).toBe('403 insufficent_permissions')
    expect(await refusal('createPolicy', v1('IBMid-x', { roles: [role('role:Owner')] }))).toBe('400 invalid_body')
    const group = [{ attributes: [{ name: 'access_group_id', value: 'AccessGroupId-1' }] }]
    expect(await refusal('createPolicy', v1('', { subjects: group }))).toBe('400 invalid_body')
    const tagged = v1('IBMid-x').resources.map((one) => ({ ...one, tags: [{ name: 'a', value: 'b' }] }))
    expect(await refusal('createPolicy', v1('IBMid-x', { resources: tagged }))).toBe('400 invalid_body')
  })
})

describe('the v2 calls of the client', () => {
  it('create, get, replace and delete a policy with a rule, and answer what was sent', async () => {
    const sent = v2('IBMid-a', WORKING_HOURS, [equals('resource', ['k1', 'k2'], 'stringEqualsAnyOf')])
    const made = await call('createV2Policy', sent)
    expect(made.status).toBe(201)
    expect(made.result).toMatchObject({ ...sent, state: 'active', href: `${server.url}/v2/policies/${made.result.id}` })
    expect(made.result.control).toEqual(sent.control)
    const { id } = made.result
    const read = await call('getV2Policy', { id })
    expect(read.result).toEqual(made.result)
    const changed = { ...sent, control: { grant: { roles: [WRITER] } } }
    const replaced = await call('replaceV2Policy', { ...changed, id, ifMatch: read.headers['etag'] })
    expect([replaced.status, replaced.result.control]).toEqual([200, changed.control])
    expect(await refusal('replaceV2Policy', { ...sent, id, ifMatch: read.headers['etag'] })).toBe(
      '412 policy_conflict_error',
    )
    expect((await call('deleteV2Policy', { id })).status).toBe(204)
    expect((await call('getV2Policy', { id })).result.state).toBe('deleted')
    expect(await refusal('deleteV2Policy', { id })).toBe('404 policy_not_found')
    expect(await refusal('replaceV2Policy', { ...sent, id, ifMatch: '*' })).toBe('404 policy_not_found')
  })

  it.each([
    ['an access group', { subject: { attributes: [equals('access_group_id', 'AccessGroupId-1')] } }],
    ['everybody', { subject: { attributes: [equals('iam_id', true, 'stringExists')] } }],
    ['an unknown pattern', { ...WORKING_HOURS, pattern: 'attribute-based-condition:resource:literal-and-wildcard' }],
    ['a rule without a pattern', { rule: WORKING_HOURS.rule }],
    ['a pattern without a rule', { pattern: WORKING_HOURS.pattern }],
    ['a condition that is not of the pattern', { ...WORKING_HOURS, pattern: 'time-based-conditions:once' }],
    ['a rule that is none', { ...WORKING_HOURS, rule: { operator: 'and', conditions: [] } }],
    ['no service', { resource: { attributes: [equals('accountId', ACCOUNT)] } }],
    ['an unknown service', { resource: { attributes: [equals('serviceName', 'containers-kubernetes')] } }],
    ['a role of another service', { control: { grant: { roles: [role('serviceRole:KeyPurge')] } } }],
    ['a role that is none', { control: { grant: { roles: [{ role_id: 'Reader' }] } } }],
    ['a list where one value belongs', { subject: { attributes: [equals('iam_id', ['a'], 'stringEqualsAnyOf')] } }],
    ['a number for a value', { resource: { attributes: [equals('serviceName', 'kms'), equals('resource', 7)] } }],
  ])('refuse %s', async (_, change) => {
    expect(await refusal('createV2Policy', v2('IBMid-a', change))).toBe('400 invalid_body')
  })

  it('take a policy between services too', async () => {
    const made = await call('createV2Policy', {
      type: 'authorization',
      subject: {
        attributes: [
          equals('accountId', ACCOUNT),
          equals('serviceName', 'cloud-object-storage'),
          equals('serviceInstance', true, 'stringExists'),
        ],
      },
      control: { grant: { roles: [READER] } },
      resource: { attributes: [equals('accountId', ACCOUNT), equals('serviceName', 'kms')] },
    })
    const target = { service: 'kms', accountId: ACCOUNT, instance: KEYS } as const
    const service = server.iam.servicePrincipal(server.iam.instance(OBJECTS)?.crn ?? '')
    expect(server.iam.decide(service, 'kms.secrets.wrap', target).allowed).toBe(true)
    const { result } = await call('listV2Policies', { accountId: ACCOUNT, type: 'authorization' })
    expect(result.policies).toEqual([made.result])
  })
})

describe('the two faces', () => {
  it('show the same policy, and v1 does not replace what it cannot say', async () => {
    const { result: made } = await call('createV2Policy', v2('IBMid-a', WORKING_HOURS))
    const shown = await call('getPolicy', { policyId: made.id })
    expect(shown.result).toMatchObject({
      id: made.id,
      subjects: [{ attributes: [{ name: 'iam_id', value: 'IBMid-a' }] }],
      roles: [READER],
      rule: WORKING_HOURS.rule,
    })
    const replacement = { ...v1('IBMid-a'), policyId: made.id, ifMatch: shown.headers['etag'] }
    expect(await refusal('replacePolicy', replacement)).toBe('400 invalid_body')
    const plain = (await call('createPolicy', v1('IBMid-b'))).result
    expect((await call('getV2Policy', { id: plain.id })).result).toMatchObject({
      subject: { attributes: [equals('iam_id', 'IBMid-b')] },
      control: { grant: { roles: [READER] } },
    })
  })
})

describe.each(['listPolicies', 'listV2Policies'])('%s', (list) => {
  const ids = async (parameters: object = {}, client?: IbmClient): Promise<string[]> => {
    const { result } = await call(list, { accountId: ACCOUNT, ...parameters }, client)
    return result.policies.map(({ id }: { id: string }) => id)
  }
  const makeAll = async () => {
    const make = async (body: object): Promise<string> => (await call('createPolicy', body)).result.id
    server.pass(1000)
    const a = await make(v1('IBMid-a'))
    server.pass(1000)
    const objects = [{ attributes: [{ name: 'serviceName', value: 'cloud-object-storage' }] }]
    const b = await make(v1('IBMid-b', { resources: objects }))
    server.pass(1000)
    const account = [{ attributes: [{ name: 'serviceType', value: 'platform_service' }] }]
    const c = await make(v1('IBMid-c', { resources: account, roles: [VIEWER] }))
    server.pass(1000)
    const source = [
      { attributes: ['serviceName:cloud-object-storage', `accountId:${ACCOUNT}`].map((text) => attribute(text)) },
    ]
    const d = await make(v1('', { type: 'authorization', subjects: source }))
    return { a, b, c, d }
  }
  const attribute = (text: string) => ({ name: text.split(':')[0], value: text.split(':')[1] })

  it('answers what is asked for', async () => {
    const { a, b, c, d } = await makeAll()
    expect(await ids()).toEqual([a, b, c, d])
    expect(await ids({ type: 'access' })).toEqual([a, b, c])
    expect(await ids({ type: 'authorization' })).toEqual([d])
    expect(await ids({ iamId: 'IBMid-b' })).toEqual([b])
    expect(await ids({ iamId: 'IBMid-nobody' })).toEqual([])
    expect(await ids({ serviceType: 'service' })).toEqual([a, b, d])
    expect(await ids({ serviceType: 'platform_service' })).toEqual([c])
    expect(await ids({ accessGroupId: 'AccessGroupId-1' })).toEqual([])
    if (list === 'listV2Policies') expect(await ids({ serviceName: 'kms' })).toEqual([a, d])
    else expect(await ids({ tagName: 'a', tagValue: 'b' })).toEqual([])
    await call('deletePolicy', { policyId: a })
    expect(await ids({ type: 'access' })).toEqual([b, c])
    expect(await ids({ state: 'deleted', iamId: 'IBMid-a' })).toContain(a)
  })

  it('sorts by what is asked for', async () => {
    const { a, b, c, d } = await makeAll()
    expect(await ids({ sort: '-created_at' })).toEqual([d, c, b, a])
    expect(await ids({ sort: 'id' })).toEqual([a, b, c, d].sort())
    expect(await ids({ sort: '-type' })).toEqual(expect.arrayContaining([a, b, c, d]))
    expect((await ids({ sort: '-type' }))[0]).toBe(d)
    expect(await refusal(list, { accountId: ACCOUNT, sort: 'roles' })).toBe('400 invalid_query_parameter')
    expect(await refusal(list, { accountId: ACCOUNT, sort: 'last_permit_at' })).toBe('400 invalid_query_parameter')
  })

  it('comes in pages, also when a policy goes in between', async () => {
    const { a, b, c, d } = await makeAll()
    const first = (await call(list, { accountId: ACCOUNT, limit: 2 })).result
    expect(first.policies.map(({ id }: { id: string }) => id)).toEqual([a, b])
    expect(first).toMatchObject({ limit: 2, first: { href: expect.stringContaining('limit=2') } })
    await call('deletePolicy', { policyId: b })
    expect(await ids({ limit: 2, start: first.next.start })).toEqual([c, d])
    const require = await ibmPackages('platform-services')
    const { PoliciesPager, V2PoliciesPager } = require('@ibm-cloud/platform-services/iam-policy-management/v1')
    const Pager = list === 'listPolicies' ? PoliciesPager : V2PoliciesPager
    const all = await new Pager(policies, { accountId: ACCOUNT, limit: 1 }).getAll()
    expect(all.map(({ id }: { id: string }) => id)).toEqual([a, c, d])
  })

  it('says what the roles hold, and when a policy last decided', async () => {
    const { a } = await makeAll()
    const display = (await call(list, { accountId: ACCOUNT, iamId: 'IBMid-a', format: 'display' })).result.policies[0]
    const [shown] = list === 'listPolicies' ? display.roles : display.control.grant.roles
    expect(shown.actions).toContainEqual(expect.objectContaining({ id: 'kms.secrets.wrap' }))
    expect(shown.actions).not.toContainEqual(expect.objectContaining({ id: 'kms.secrets.delete' }))
    const permits = async () =>
      (await call(list, { accountId: ACCOUNT, iamId: 'IBMid-a', format: 'include_last_permit' })).result.policies[0]
    expect(await permits()).toMatchObject({ id: a, last_permit_frequency: 0 })
    const somebody = { type: 'user', iamId: 'IBMid-a', accountId: ACCOUNT, roles: {}, name: '', email: '' } as const
    const keys = { service: 'kms', accountId: ACCOUNT, instance: KEYS } as const
    expect(server.iam.decide(somebody, 'kms.secrets.list', keys).reason).toBe(`policy ${a}, role Reader`)
    expect(await permits()).toMatchObject({ last_permit_frequency: 1, last_permit_at: expect.any(String) })
  })

  it('shows a caller without a role an empty list', async () => {
    await makeAll()
    await server.iam.identities.putUser({
      ...{ accountId: ACCOUNT, iamId: 'IBMid-plain', name: 'Plain', email: '', roles: {} },
    })
    await server.iam.identities.putApiKey({ accountId: ACCOUNT, iamId: 'IBMid-plain' }, 'k-plain')
    const plain = await platformClient('iam-policy-management/v1', server.url, 'k-plain')
    expect(await ids({}, plain)).toEqual([])
  })
})

describe('the subject of an access policy', () => {
  const READS = [{ attributes: [{ name: 'serviceName', value: 'kms' }] }]

  it.each([
    ['nobody', 'IBMid-nobody-at-all'],
    ['somebody of another account', 'IBMid-other'],
  ])('is not %s: later they would have rights that nobody looked at', async (_, iamId) => {
    const before = [...server.iam.policies.list(ACCOUNT)].length
    expect(await refusal('createPolicy', v1(iamId, { resources: READS }))).toBe('400 invalid_body')
    expect(await refusal('createV2Policy', { ...v2(iamId) })).toBe('400 invalid_body')
    expect([...server.iam.policies.list(ACCOUNT)]).toHaveLength(before)
    const { result } = await call('createPolicy', v1('IBMid-a'))
    const changed = { ...v1(iamId), policyId: result.id, ifMatch: '*' }
    expect(await refusal('replacePolicy', changed)).toBe('400 invalid_body')
  })

  it('is there when a deleted policy is brought back', async () => {
    await putSomebody(server.iam, 'IBMid-leaves')
    const { result } = await call('createPolicy', v1('IBMid-leaves'))
    await call('deletePolicy', { policyId: result.id })
    await server.iam.identities.deleteUser({ accountId: ACCOUNT, iamId: 'IBMid-leaves' })
    const restored = { policyId: result.id, ifMatch: '*', state: 'active' }
    expect(await refusal('updatePolicyState', restored)).toBe('404 policy_not_found')
  })
})

describe('the last Administrator of an account', () => {
  const ACCOUNT_WIDE = [{ attributes: [{ name: 'serviceName', value: 'iam' }] }]
  const administrators = { roles: [ADMINISTRATOR], resources: ACCOUNT_WIDE }
  const MAIN = { accountId: ACCOUNT, iamId: 'IBMid-main' }
  const state = async (value: string) => call('updateUserProfile', { ...MAIN, state: value }, users)
  let users: IbmClient
  beforeAll(async () => {
    users = await platformClient('user-management/v1', server.url, 'k1')
  })

  it('is not removed and not shut out', async () => {
    expect(await refusal('removeUser', MAIN, users)).toBe('409 user_conflict')
    expect(await refusal('v3RemoveUser', MAIN, users)).toBe('409 user_conflict')
    expect(await ibmRefusal(state('VPN_ONLY'))).toBe('409 user_conflict')
    await call('updateUserProfile', { ...MAIN, photo: 'x' }, users)
    expect(server.iam.people.get(MAIN).profile.state).toBe('ACTIVE')
  })

  it('keeps the policy that makes one, whatever is done to it', async () => {
    const { result: policy } = await call('createPolicy', v1('IBMid-a', administrators))
    const { iamId, ...declared } = { ...MAIN, name: 'Main user', email: 'main@example.com' }
    // As if nobody had been declared an Administrator.
    await server.iam.identities.putUser({ iamId, ...declared, roles: { 'cloud-object-storage': 'Manager' } })
    await server.iam.identities.putApiKey({ accountId: ACCOUNT, iamId: 'IBMid-a' }, 'key of a')
    const asA = await platformClient('iam-policy-management/v1', server.url, 'key of a')
    const usersAsA = await platformClient('user-management/v1', server.url, 'key of a')
    const of = { policyId: policy.id, ifMatch: '*' }
    expect(await refusal('deletePolicy', { policyId: policy.id }, asA)).toBe('409 policy_conflict_error')
    expect(await refusal('updatePolicyState', { ...of, state: 'deleted' }, asA)).toBe('409 policy_conflict_error')
    for (const body of [
      v1('IBMid-a', { ...administrators, roles: [VIEWER] }),
      v1('IBMid-a', { roles: [ADMINISTRATOR] }),
    ]) {
      expect(await refusal('replacePolicy', { ...body, ...of }, asA)).toBe('409 policy_conflict_error')
    }
    const limited = {
      ...v2('IBMid-a', { ...WORKING_HOURS, control: { grant: { roles: [ADMINISTRATOR] } } }),
      resource: { attributes: [equals('accountId', ACCOUNT), equals('serviceName', 'iam')] },
    }
    const revision = (await call('getV2Policy', { id: policy.id }, asA)).headers['etag']
    expect(await refusal('replaceV2Policy', { ...limited, id: policy.id, ifMatch: revision }, asA)).toBe(
      '409 policy_conflict_error',
    )
    const a = { accountId: ACCOUNT, iamId: 'IBMid-a' }
    expect(await refusal('removeUser', a, usersAsA)).toBe('409 user_conflict')
    // Handing it on is one while the other cannot come in.
    expect(await refusal('replacePolicy', { ...v1('IBMid-b', administrators), ...of }, asA)).toBe(
      '409 policy_conflict_error',
    )
    await server.iam.identities.putApiKey({ accountId: ACCOUNT, iamId: 'IBMid-b' }, 'key of b')
    await call('replacePolicy', { ...v1('IBMid-b', administrators), ...of }, asA)
    await server.iam.identities.putUser({
      ...{ iamId, ...declared },
      roles: { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Administrator' },
    })
  })

  it('is one, whoever of two goes first', async () => {
    const iam = await openTestIam(memoryStore())
    await applyBootstrap(iam, BOOTSTRAP)
    const [a] = await iam.people.invite({ accountId: ACCOUNT, emails: ['a@example.com'] }, MAIN)
    if (!a) throw new Error('nobody was invited')
    const { iamId, name, email } = a
    await iam.identities.putUser({ accountId: ACCOUNT, iamId, name, email, roles: { iam: 'Administrator' } })
    await iam.identities.putApiKey(a, 'key of a')
    const outcomes = await Promise.allSettled([
      iam.people.remove(MAIN),
      iam.people.remove(a),
      iam.people.update(a, { state: 'VPN_ONLY' }, MAIN),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'LastAdministrator' } })
  })
})

describe('roles', () => {
  const REMOVER = {
    accountId: ACCOUNT,
    serviceName: 'kms',
    name: 'Remover',
    displayName: 'Key Remover',
    actions: ['kms.secrets.delete', 'kms.secrets.list'],
  }
  const target = { service: 'kms', accountId: ACCOUNT, instance: KEYS } as const
  const may = (action: 'kms.secrets.delete' | 'kms.secrets.list' | 'kms.secrets.wrap') =>
    server.iam.decide(
      { type: 'user', iamId: 'IBMid-remover', accountId: ACCOUNT, roles: {}, name: '', email: '' },
      action,
      target,
    ).allowed

  it('are listed with what they permit', async () => {
    const { result } = await call('listRoles', { accountId: ACCOUNT, serviceName: 'kms' })
    const names = (roles: { display_name: string }[]) => roles.map(({ display_name }) => display_name)
    expect(names(result.system_roles)).toEqual(['Viewer', 'Operator', 'Editor', 'Administrator'])
    expect(names(result.service_roles)).toEqual(['Reader', 'Reader Plus', 'Writer', 'Manager', 'Key Purge'])
    expect(result.service_roles[4]).toMatchObject({
      crn: 'crn:v1:bluemix:public:kms::::serviceRole:KeyPurge',
      actions: ['kms.secrets.purge'],
    })
    expect(result.custom_roles).toEqual([])
    const storage = (await call('listRoles', { serviceName: 'cloud-object-storage' })).result.service_roles
    expect(names(storage)).toEqual(['Object Reader', 'Object Writer', 'Content Reader', 'Reader', 'Writer', 'Manager'])
    expect(storage[0].actions).toContain('cloud-object-storage.object.get')
    const between = (
      await call('listRoles', { policyType: 'authorization', sourceServiceName: 'cloud-object-storage' })
    ).result
    expect([names(between.system_roles), between.service_roles]).toEqual([['Authorization Delegator'], []])
    expect(await refusal('listRoles', { serviceName: 'unknown' })).toBe('400 invalid_query_parameter')
  })

  it('are made, used in policies, changed and removed', async () => {
    const made = await call('createRole', { ...REMOVER, description: 'removes' })
    expect(made.status).toBe(201)
    expect(made.result).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: 'Remover',
      display_name: 'Key Remover',
      description: 'removes',
      account_id: ACCOUNT,
      service_name: 'kms',
      actions: REMOVER.actions,
      crn: `crn:v1:bluemix:public:iam-access-management::a/${ACCOUNT}::customRole:Remover`,
      created_by_id: 'IBMid-main',
    })
    const roleId = made.result.id
    const read = await call('getRole', { roleId })
    expect(read.result).toEqual(made.result)
    expect((await call('listRoles', { accountId: ACCOUNT })).result.custom_roles).toEqual([made.result])

    const roles = [{ role_id: made.result.crn }]
    const { result: policy } = await call('createPolicy', v1('IBMid-remover', { roles }))
    expect([policy.roles[0].display_name, may('kms.secrets.delete'), may('kms.secrets.wrap')]).toEqual([
      'Key Remover',
      true,
      false,
    ])
    const change = { roleId, displayName: 'Key Lister', actions: ['kms.secrets.list'] }
    const replaced = await call('replaceRole', { ...change, ifMatch: read.headers['etag'] })
    expect([replaced.status, replaced.result.display_name, replaced.result.description]).toEqual([
      200,
      'Key Lister',
      undefined,
    ])
    expect([may('kms.secrets.delete'), may('kms.secrets.list')]).toEqual([false, true])
    expect(await refusal('replaceRole', { ...change, ifMatch: read.headers['etag'] })).toBe('412 role_conflict_error')

    expect(await refusal('deleteRole', { roleId })).toBe('409 role_conflict_error')
    await call('deletePolicy', { policyId: policy.id })
    expect((await call('deleteRole', { roleId })).status).toBe(204)
    expect(await refusal('getRole', { roleId })).toBe('404 role_not_found')
    const restore = { policyId: policy.id, ifMatch: '*', state: 'active' }
    expect(await refusal('updatePolicyState', restore)).toBe('400 invalid_body')
    expect(may('kms.secrets.list')).toBe(false)
  })

  it('are refused when they are wrong, and to those who may not', async () => {
    const { result } = await call('createRole', REMOVER)
    const another = { ...REMOVER, name: 'Another', displayName: 'Another' }
    expect(await refusal('createRole', { ...another, name: 'Remover' })).toBe('409 role_conflict_error')
    expect(await refusal('createRole', { ...another, displayName: 'Key Remover' })).toBe('409 role_conflict_error')
    expect(await refusal('createRole', { ...another, name: 'lower' })).toBe('400 invalid_body')
    expect(await refusal('createRole', { ...another, actions: [] })).toBe('400 invalid_body')
    expect(await refusal('createRole', { ...another, actions: ['kms.secrets.fly'] })).toBe('400 invalid_body')
    expect(await refusal('createRole', { ...another, actions: ['kms.registrations.create'] })).toBe('400 invalid_body')
    expect(await refusal('createRole', { ...another, serviceName: 'unknown' })).toBe('400 invalid_body')
    expect(await refusal('createRole', another, asViewer)).toBe('403 insufficent_permissions')
    expect(await refusal('createRole', { ...another, accountId: OTHER_ACCOUNT })).toBe('403 insufficent_permissions')
    expect(await refusal('deleteRole', { roleId: result.id }, asViewer)).toBe('403 insufficent_permissions')
    expect(await refusal('getRole', { roleId: result.id }, asOther)).toBe('404 role_not_found')
    expect((await call('listRoles', { accountId: ACCOUNT }, asOther)).result.custom_roles).toEqual([])
    const objects = [{ attributes: [{ name: 'serviceName', value: 'cloud-object-storage' }] }]
    const ofKeys = { roles: [{ role_id: result.crn }], resources: objects }
    expect(await refusal('createPolicy', v1('IBMid-a', ofKeys))).toBe('400 invalid_body')
    await call('deleteRole', { roleId: result.id })
  })
})

describe('managing policies', () => {
  const client = async (iamId: string): Promise<IbmClient> => {
    await server.iam.identities.putUser({ accountId: ACCOUNT, iamId, name: iamId, email: '', roles: {} })
    await server.iam.identities.putApiKey({ accountId: ACCOUNT, iamId }, `key of ${iamId}`)
    return platformClient('iam-policy-management/v1', server.url, `key of ${iamId}`)
  }
  const everyKey = [{ attributes: [{ name: 'serviceName', value: 'kms' }] }]

  it('takes Administrator on what the policy speaks of', async () => {
    const keeper = await client('IBMid-keeper')
    expect(await refusal('createPolicy', v1('IBMid-a'), keeper)).toBe('403 insufficent_permissions')
    const { result: grant } = await call('createPolicy', v1('IBMid-keeper', { roles: [ADMINISTRATOR] }))
    const { result: made } = await call('createPolicy', v1('IBMid-a'), keeper)
    expect(made.created_by_id).toBe('IBMid-keeper')
    expect(await refusal('createPolicy', v1('IBMid-a', { resources: everyKey }), keeper)).toBe(
      '403 insufficent_permissions',
    )
    const wider = { ...v1('IBMid-a', { resources: everyKey }), policyId: made.id, ifMatch: '*' }
    expect(await refusal('replacePolicy', wider, keeper)).toBe('403 insufficent_permissions')
    const { result: elsewhere } = await call('createPolicy', v1('IBMid-b', { resources: everyKey }))
    expect(await refusal('deletePolicy', { policyId: elsewhere.id }, keeper)).toBe('403 insufficent_permissions')
    const seen = (await call('listPolicies', { accountId: ACCOUNT }, keeper)).result.policies
    expect(seen.map(({ id }: { id: string }) => id)).toEqual([grant.id, made.id])
    // Administrator of keys is no user of them.
    const user = { type: 'user', iamId: 'IBMid-keeper', accountId: ACCOUNT, roles: {}, name: '', email: '' } as const
    const keys = { service: 'kms', accountId: ACCOUNT, instance: KEYS } as const
    expect(server.iam.decide(user, 'kms.secrets.list', keys).allowed).toBe(false)

    await call('deletePolicy', { policyId: grant.id })
    expect(await refusal('deletePolicy', { policyId: made.id }, keeper)).toBe('403 insufficent_permissions')
  })

  it('of the whole account takes Administrator of the account', async () => {
    const boss = await client('IBMid-boss')
    const account = [{ attributes: [{ name: 'serviceName', value: 'iam' }] }]
    await call('createPolicy', v1('IBMid-boss', { roles: [ADMINISTRATOR], resources: account }))
    expect((await call('createPolicy', v1('IBMid-a', { resources: everyKey }), boss)).status).toBe(201)
    expect((await call('listRoles', { accountId: ACCOUNT }, boss)).status).toBe(200)
  })

  it('may be handed on by a service that was made a delegator, as far as it goes itself', async () => {
    const services = (instance: string) => [
      {
        attributes: [
          { name: 'accountId', value: ACCOUNT },
          { name: 'serviceName', value: 'cloud-object-storage' },
          { name: 'serviceInstance', value: instance },
        ],
      },
    ]
    const authorization = (instance: string, roles: object[]) =>
      v1('', { type: 'authorization', subjects: services(instance), roles })
    const delegator = role('role:AuthorizationDelegator')
    const crn = server.iam.instance(OBJECTS)?.crn ?? ''
    const userToken = await server.token('k1')
    const token = (await server.iam.tokens.issueForService(userToken, crn)).accessToken
    const post = (body: object) =>
      fetch(`${server.url}/v1/policies`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status)
    const another = '99999999-9999-4999-8999-999999999999'
    expect(await post(authorization(another, [READER]))).toBe(403)
    await call('createPolicy', authorization(OBJECTS, [READER, delegator]))
    expect(await post(authorization(another, [WRITER]))).toBe(403)
    expect(await post(authorization(another, [delegator]))).toBe(403)
    expect(await post(v1('IBMid-a'))).toBe(403)
    expect(await post(authorization(another, [READER]))).toBe(201)
    const made = [...server.iam.policies.list(ACCOUNT)].find(({ createdBy }) => createdBy === `crn-${crn}`)
    const withdrawn = await fetch(`${server.url}/v1/policies/${made?.id}`, {
      method: 'PATCH',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'If-Match': '*' },
      body: JSON.stringify({ state: 'deleted' }),
    })
    expect(withdrawn.status).toBe(403)
  })
})

describe('calls that this server does not have', () => {
  it.each([
    ['listPolicyTemplates', 'ListPolicyTemplates', { accountId: ACCOUNT }],
    ['getPolicyTemplate', 'GetPolicyTemplate', { policyTemplateId: 't' }],
    ['commitPolicyTemplate', 'CommitPolicyTemplate', { policyTemplateId: 't', version: '1' }],
    ['listPolicyAssignments', 'ListPolicyAssignments', { accountId: ACCOUNT, version: '1.0' }],
    ['listActionControlTemplates', 'ListActionControlTemplates', { accountId: ACCOUNT }],
    ['getActionControlAssignment', 'GetActionControlAssignment', { assignmentId: 'a' }],
    ['listRoleTemplates', 'ListRoleTemplates', { accountId: ACCOUNT }],
    ['getSettings', 'GetSettings', { accountId: ACCOUNT }],
    ['deleteRoleAssignment', 'DeleteRoleAssignment', { assignmentId: 'a' }],
  ])('%s is refused by its name', async (method, name, parameters) => {
    const refused = await call(method, parameters).catch((error: unknown) => Object(error))
    expect([refused.status, JSON.parse(refused.body).errors[0]]).toEqual([
      501,
      { code: 'unable_to_process', message: `${name} is not implemented by this server` },
    ])
  })
})
