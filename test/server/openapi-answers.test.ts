import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { iamToken, serviceToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { KEY_TYPE } from '../support/key-protect.ts'
import { type Published, publishedBy } from '../support/published.ts'

const HOUR_MS = 3_600_000
const DOCUMENTS = ['key-protect', 'iam', 'admin', 'resource-configuration'] as const

type Operation = readonly [document: Published, method: string, path: string, security: readonly unknown[]]
interface Asked {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

let offsetMs = 0
let test: TestHouse
let token: string
const operations = new Map<string, Operation>()
const answered = new Set<string>()

const documentShape = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), security: z.array(z.unknown()) })),
  ),
})

beforeAll(async () => {
  test = await startHouse({ clock: { now: () => Date.now() + offsetMs } })
  token = await iamToken(test.controlUrl)
  await test.client().send(new CreateBucketCommand({ Bucket: 'described' }))
  await test.client().send(new PutObjectCommand({ Bucket: 'described', Key: 'k', Body: 'x' }))
  for (const name of DOCUMENTS) {
    const document = documentShape.parse(await (await fetch(`${test.controlUrl}/openapi/${name}.json`)).json())
    const published = publishedBy(document)
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, { operationId, security }] of Object.entries(item)) {
        operations.set(`${name} ${operationId}`, [published, method.toUpperCase(), path, security])
      }
    }
  }
})
afterAll(() => test[Symbol.asyncDispose]())

/** The call as its document has it. */
async function send(
  id: string,
  { path = {}, query = {}, body, form, headers = {} }: Asked,
  bearer: string | undefined,
) {
  const [published, method, template] = operations.get(id) ?? []
  if (!published || !method || template === undefined) throw new Error(`no document has ${id}`)
  const [bare = '', selected = ''] = template.split('#')
  const at = bare.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? 'x'))
  const reply = await fetch(
    `${test.controlUrl}${at}?${new URLSearchParams([...new URLSearchParams(selected), ...Object.entries(query)])}`,
    {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        'bluemix-instance': mainAccount.keyProtectInstance,
        accept: 'application/json',
        'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        ...headers,
      },
      ...(form ? { body: new URLSearchParams(form) } : body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  )
  const text = await reply.text()
  published.check(id.replace(/.* /, ''), reply.status, text)
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
  const json: any = text === '' ? undefined : JSON.parse(text)
  return { status: reply.status, json, etag: reply.headers.get('etag') ?? '', text }
}

/** Of calls of one document: each must be done, and be answered as the document says. */
const within =
  (document: (typeof DOCUMENTS)[number]) =>
  async (name: string, asked: Asked = {}, bearer = token) => {
    const id = `${document} ${name}`
    const reply = await send(id, asked, bearer)
    expect([id, reply.status, reply.status < 300 ? '' : reply.text]).toEqual([id, reply.status, ''])
    answered.add(id)
    return reply
  }

const keyProtect = within('key-protect')
const iam = within('iam')

const one = (resource: object): object => ({
  metadata: { collectionType: KEY_TYPE, collectionTotal: 1 },
  resources: [resource],
})
const newKey = async (more: object = {}): Promise<string> =>
  (await keyProtect('CreateKey', { body: one({ type: KEY_TYPE, name: 'a key', extractable: false, ...more }) })).json
    .resources[0].id

describe('What is answered is what the documents say, of', () => {
  it('Key Protect', async () => {
    const root = await newKey({ description: 'described', tags: ['tag'], expirationDate: '2099-01-01T00:00:00Z' })
    const path = { id: root }
    const standard = await newKey({ extractable: true })
    expect((await keyProtect('GetKey', { path: { id: standard } })).json.resources[0].payload).toBeTypeOf('string')
    const guarded = (
      await keyProtect('CreateKeyWithPoliciesOverrides', {
        body: one({
          ...{ type: KEY_TYPE, name: 'guarded', extractable: false },
          ...{ dualAuthDelete: { enabled: true }, rotation: { enabled: true, interval_month: 3 } },
        }),
      })
    ).json.resources[0].id
    await keyProtect('CreateKey', {
      body: one({ type: KEY_TYPE, name: 'minimal', extractable: false }),
      headers: { prefer: 'return=minimal' },
    })
    await keyProtect('GetKeys', { query: { search: 'a key', totalCount: 'true' } })
    await keyProtect('GetKeyCollectionMetadata')
    await keyProtect('GetKeyMetadata', { path })
    await keyProtect('CreateKeyRing', { path: { ring: 'ring-1' } })
    await keyProtect('ListKeyRings', { query: { totalCount: 'true' } })
    await keyProtect('PatchKey', { path, body: { keyRingID: 'ring-1' } })
    await keyProtect('PatchKey', { path, body: { keyRingID: 'default' } })
    await keyProtect('DeleteKeyRing', { path: { ring: 'ring-1' } })
    await keyProtect('CreateKeyAlias', { path: { ...path, alias: 'an-alias' } })
    await keyProtect('GetKeyMetadata', { path: { id: 'an-alias' } })
    await keyProtect('DeleteKeyAlias', { path: { ...path, alias: 'an-alias' } })
    const plaintext = Buffer.alloc(32, 7).toString('base64')
    for (const by of ['', 'ByQuery']) {
      await keyProtect(`WrapKey${by}`, { path, body: {} })
      const { ciphertext } = (await keyProtect(`WrapKey${by}`, { path, body: { plaintext } })).json
      await keyProtect(`UnwrapKey${by}`, { path, body: { ciphertext } })
      await keyProtect(`RotateKey${by}`, { path })
      expect((await keyProtect(`UnwrapKey${by}`, { path, body: { ciphertext } })).json.ciphertext).toBeTypeOf('string')
      await keyProtect(`RewrapKey${by}`, { path, body: { ciphertext } })
      await keyProtect(`DisableKey${by}`, { path })
      expect((await keyProtect('GetKeyMetadata', { path })).json.resources[0].nonactiveStateReason).toBe(1)
      await keyProtect(`EnableKey${by}`, { path })
      await keyProtect(`SetKeyForDeletion${by}`, { path: { id: guarded } })
      await keyProtect('GetKeyMetadata', { path: { id: guarded } })
      await keyProtect(`UnsetKeyForDeletion${by}`, { path: { id: guarded } })
    }
    await keyProtect('GetKeyVersions', { path, query: { totalCount: 'true' } })
    await keyProtect('PutPolicy', {
      path,
      query: { policy: 'rotation' },
      body: one({ type: 'application/vnd.ibm.kms.policy+json', rotation: { interval_month: 2 } }),
    })
    await keyProtect('GetPolicy', { path: { id: guarded } })
    await keyProtect('PutInstancePolicy', {
      query: { policy: 'keyCreateImportAccess' },
      body: one({
        policy_type: 'keyCreateImportAccess',
        policy_data: { enabled: true, attributes: { create_root_key: true } },
      }),
    })
    await keyProtect('GetInstancePolicy')
    await keyProtect('GetAllowedIPPort')
    await keyProtect('PostImportToken')
    await keyProtect('GetImportToken')

    const service = await serviceToken(test.controlUrl, token, objectStorageCrn(mainAccount))
    const resourceCrn = `${objectStorageCrn(mainAccount).replace(/::$/, '')}:bucket:registered`
    const registered = { path: { ...path, resourceCrn }, body: { description: 'd', registrationMetadata: 'm' } }
    await keyProtect('CreateRegistration', registered, service)
    await keyProtect('UpdateRegistration', registered, service)
    await keyProtect('ReplaceRegistration', registered, service)
    await keyProtect('GetRegistrations', { path, query: { totalCount: 'true' } })
    await keyProtect('GetRegistrationsAllKeys')
    await keyProtect('DeleteRegistration', registered, service)

    for (const by of ['', 'ByQuery']) {
      await keyProtect('DeleteKey', { path, headers: { prefer: 'return=representation' } })
      await keyProtect(`RestoreKey${by}`, { path })
    }
    // Key Protect: associated resources are told once an hour, and a key is purged four hours after it was deleted.
    await iam('CreatePolicy', { body: accessTo('KeyPurge', 'kms') })
    await keyProtect('DeleteKey', { path: { id: standard } })
    offsetMs += 5 * HOUR_MS
    token = await iamToken(test.controlUrl)
    await keyProtect('SyncAssociatedResources', { path })
    await keyProtect('PurgeKey', { path: { id: standard }, headers: { prefer: 'return=representation' } })
  })

  it('tokens, policies and roles', async () => {
    const form = { grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: mainAccount.user.apiKey }
    await iam('CreateToken', { form })
    await iam('CreateOidcToken', { form, headers: { authorization: 'Basic Yng6Yng=' } })
    await iam('GetKeys')
    await iam('GetOpenidConfiguration')

    const v1 = accessTo('Reader', 'cloud-object-storage')
    const made = await iam('CreatePolicy', { body: v1 })
    const path = { id: made.json.id }
    await iam('GetPolicy', { path, query: { format: 'display' } })
    await iam('GetV2Policy', { path, query: { format: 'include_last_permit' } })
    const replaced = await iam('ReplacePolicy', { path, body: v1, headers: { 'if-match': made.etag } })
    const state = { path, body: { state: 'active' }, headers: { 'if-match': replaced.etag } }
    await iam('UpdatePolicyState', state)
    await iam('DeletePolicy', { path })
    const v2 = {
      type: 'access',
      description: 'd',
      control: { grant: { roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Writer' }] } },
      subject: { attributes: [{ key: 'iam_id', operator: 'stringEquals', value: mainAccount.user.iamId }] },
      resource: {
        attributes: [
          { key: 'accountId', operator: 'stringEquals', value: mainAccount.id },
          { key: 'serviceName', operator: 'stringEquals', value: 'cloud-object-storage' },
          { key: 'resource', operator: 'stringExists', value: true },
        ],
      },
      pattern: 'time-based-conditions:once',
      rule: {
        operator: 'and',
        conditions: [
          {
            key: '{{environment.attributes.current_date_time}}',
            operator: 'dateTimeGreaterThan',
            value: '2020-01-01T00:00:00+00:00',
          },
          {
            key: '{{environment.attributes.current_date_time}}',
            operator: 'dateTimeLessThan',
            value: '2090-01-01T00:00:00+00:00',
          },
        ],
      },
    }
    const second = await iam('CreateV2Policy', { body: v2 })
    const secondPath = { id: second.json.id }
    await iam('ReplaceV2Policy', { path: secondPath, body: v2, headers: { 'if-match': second.etag } })
    for (const id of ['ListPolicies', 'ListV2Policies']) {
      const query = { account_id: mainAccount.id, format: 'display' }
      await iam(id, { query })
      expect((await iam(id, { query: { ...query, limit: '1' } })).json.next.start).toBeTypeOf('string')
    }
    await iam('DeleteV2Policy', { path: secondPath })

    const change = { display_name: 'A role', description: 'd', actions: ['kms.secrets.wrap'] }
    const role = await iam('CreateRole', {
      body: { ...change, name: 'ARole', account_id: mainAccount.id, service_name: 'kms' },
    })
    const rolePath = { id: role.json.id }
    await iam('GetRole', { path: rolePath })
    await iam('ReplaceRole', { path: rolePath, body: change, headers: { 'if-match': role.etag } })
    const listed = await iam('ListRoles', { query: { account_id: mainAccount.id, service_name: 'kms' } })
    expect(Object.values<unknown[]>(listed.json).every((roles) => roles.length > 0)).toBe(true)
    await iam('DeleteRole', { path: rolePath })
  })

  it('users, service IDs, API keys and signing keys', async () => {
    const account_id = mainAccount.id
    const expires_at = '2099-01-01T00:00+0000'
    const key = await iam('CreateApiKey', {
      body: { name: 'k', description: 'd', iam_id: mainAccount.user.iamId, account_id, expires_at },
    })
    const path = { id: key.json.id }
    await iam('GetApiKeyDetails', { headers: { 'iam-apikey': key.json.apikey } })
    await iam('UpdateApiKey', { path, body: { name: 'renamed' }, headers: { 'if-match': '*' } })
    for (const id of ['LockApiKey', 'UnlockApiKey', 'DisableApiKey', 'EnableApiKey']) await iam(id, { path })
    await iam('GetApiKey', { path, query: { include_history: 'true' } })
    expect((await iam('ListApiKeys', { query: { account_id, pagesize: '1' } })).json.next).toBeTypeOf('string')
    await iam('DeleteApiKey', { path })

    const unique_instance_crns = [objectStorageCrn(mainAccount)]
    const body = { account_id, name: 's', description: 'd', unique_instance_crns }
    const service = await iam('CreateServiceId', { body: { ...body, apikey: { name: 'of s' } } })
    await iam('CreateServiceIdWithoutSlash', { body: { account_id, name: 't' } })
    const servicePath = { id: service.json.id }
    for (const id of ['LockServiceId', 'UnlockServiceId']) await iam(id, { path: servicePath })
    await iam('UpdateServiceId', { path: servicePath, body: { name: 'u' }, headers: { 'if-match': '*' } })
    await iam('GetServiceId', { path: servicePath, query: { include_history: 'true' } })
    await iam('ListServiceIds', { query: { account_id } })
    const first = await iam('ListServiceIdsWithoutSlash', { query: { account_id, pagesize: '1' } })
    const pagetoken = new URL(first.json.next).searchParams.get('pagetoken') ?? ''
    expect((await iam('ListServiceIds', { query: { pagetoken } })).json.previous).toBeTypeOf('string')
    await iam('DeleteServiceId', { path: servicePath })

    await iam('RotateSigningKey')
    await iam('ListSigningKeys')

    const invite = async (email: string): Promise<string> =>
      (await iam('InviteUsers', { path: { account_id }, body: { users: [{ email }] } })).json.resources[0].id
    const user = { account_id, iam_id: await invite('new@example.com') }
    await iam('UpdateUserProfile', { path: user, body: { firstname: 'New' } })
    await iam('GetUserProfile', { path: user })
    await iam('UpdateUserSettings', { path: user, body: { language: 'de' } })
    await iam('GetUserSettings', { path: user })
    await iam('ListUsers', { path: { account_id }, query: { include_settings: 'true' } })
    expect((await iam('ListUsers', { path: { account_id }, query: { limit: '1' } })).json.next_url).toBeTypeOf('string')
    await iam('RemoveUser', { path: user })
    await iam('RemoveUserV3', { path: { account_id, iam_id: await invite('other@example.com') } })
    await iam('AcceptInvitation', { body: { account_id } })
  })

  it('instances and their credentials', async () => {
    const made = await iam('CreateResourceInstance', {
      body: { name: 'i', target: 'global', resource_group: 'default', resource_plan_id: 'standard' },
    })
    const path = { id: made.json.guid }
    await iam('GetResourceInstance', { path })
    await iam('UpdateResourceInstance', { path, body: { name: 'j' } })
    for (const id of ['LockResourceInstance', 'UnlockResourceInstance']) await iam(id, { path })
    expect((await iam('ListResourceInstances', { query: { limit: '1' } })).json.next_url).toBeTypeOf('string')
    await iam('ListResourceInstances')
    const key = await iam('CreateResourceKey', {
      body: { name: 'k', source: made.json.crn, role: 'Writer', parameters: { HMAC: true } },
    })
    const keyPath = { id: key.json.guid }
    await iam('GetResourceKey', { path: keyPath })
    await iam('UpdateResourceKey', { path: keyPath, body: { name: 'l' } })
    await iam('ListResourceKeys')
    await iam('ListResourceKeysForInstance', { path })
    await iam('DeleteResourceKey', { path: keyPath })
    expect((await iam('ListResourceKeys', { query: { state: 'removed' } })).json.rows_count).toBe(1)
    await iam('DeleteResourceInstance', { path })
    expect((await iam('ListResourceInstances', { query: { state: 'removed' } })).json.rows_count).toBe(1)
  })

  it('administration and the configuration of buckets', async () => {
    const admin = within('admin')
    const config = within('resource-configuration')
    const name = 'described'
    const key = await keyProtect('GetKeyMetadata', { path: { id: await newKey() } })
    const { crn } = key.json.resources[0]
    const path = { name }
    await admin('MoveBucket', { path, body: { encryption: 'customer-managed', rootKeyCrn: crn, reencrypt: true } })
    // A bucket on its way to another key cannot be left on it.
    const state = async () => (await admin('ListJobs')).json.jobs[0].state
    await vi.waitFor(async () => expect(await state()).toBe('done'), { timeout: 20_000 })
    await admin('StartRewrap', { path })
    for (const id of ['PauseRewrap', 'ResumeRewrap', 'CancelRewrap']) await admin(id, { path })
    for (const id of ['GetBucketUsage', 'ExplainReaders']) await admin(id, { path })
    await admin('GetEnvelope', { path, query: { key: 'k' } })
    for (const id of ['GetKeyUsage', 'GetKeyImpact']) await admin(id, { query: { crn } })
    const authorizations = await iam('ListPolicies', { query: { account_id: mainAccount.id, type: 'authorization' } })
    await admin('GetAuthorizationImpact', { path: { id: authorizations.json.policies[0].id } })
    for (const id of ['ListBuckets', 'ListJobs', 'ListActivity', 'GetOverview', 'GetSamples', 'GetServerSettings']) {
      await admin(id)
    }
    for (const id of ['StartScrub', 'GetScrub', 'ListScrubFindings', 'RecountUsage']) await admin(id)
    for (const id of ['StartVerification', 'GetVerification', 'StopVerification']) await admin(id, { path })
    await admin('CreateShareLink', { body: { bucket: name, key: 'k' } })
    await admin('Simulate', { body: { action: 'iam.policy.create' } })

    await config('UpdateBucketConfig', {
      path: { bucket: name },
      body: {
        hard_quota: 10_000,
        firewall: { allowed_ip: ['127.0.0.1'] },
        activity_tracking: { read_data_events: true },
        metrics_monitoring: { usage_metrics_enabled: true },
      },
    })
    expect((await config('GetBucketConfig', { path: { bucket: name } })).json).toHaveProperty('firewall')
  })

  it('every call, done or not implemented, and of every refusal', async () => {
    expect(operations.size).toBeGreaterThan(180)
    for (const [id, [, , , security]] of operations) {
      if (security.length > 0) {
        const refused = await send(id, { headers: { 'if-match': '*' } }, undefined)
        expect([id, refused.status]).toEqual([id, 401])
      }
      if (answered.has(id) || id === 'key-protect ActionOnKey') continue
      expect([id, (await send(id, {}, token)).status]).toEqual([id, 501])
    }
  })
})

const accessTo = (role: string, serviceName: string): object => ({
  type: 'access',
  description: 'd',
  subjects: [{ attributes: [{ name: 'iam_id', value: mainAccount.user.iamId }] }],
  roles: [{ role_id: `crn:v1:bluemix:public:${role === 'KeyPurge' ? 'kms' : 'iam'}::::serviceRole:${role}` }],
  resources: [
    {
      attributes: [
        { name: 'accountId', value: mainAccount.id },
        { name: 'serviceName', value: serviceName },
      ],
    },
  ],
})
