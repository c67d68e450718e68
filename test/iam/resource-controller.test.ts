import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type IbmClient, ibmCall, ibmRefusal, platformClient } from '../support/ibm-clients.ts'
import { otherAccount } from '../support/other-account.ts'

const STANDARD = '744bfc56-d12c-4866-88d5-dac9139e0e5d'
const TIERED = 'eedd3585-90c6-4c8f-be3d-062069e99fc3'
const CRN = objectStorageCrn(mainAccount)

let house: TestHouse
let resources: IbmClient
let asOther: IbmClient
let identity: IbmClient
beforeAll(async () => {
  house = await startHouse({ accounts: [mainAccount, otherAccount] })
  resources = await platformClient('resource-controller/v2', house.controlUrl, mainAccount.user.apiKey)
  asOther = await platformClient('resource-controller/v2', house.controlUrl, otherAccount.user.apiKey)
  identity = await platformClient('iam-identity/v1', house.controlUrl, mainAccount.user.apiKey)
})
afterAll(() => house[Symbol.asyncDispose]())

const call = (name: string, parameters: object, client: IbmClient = resources) => ibmCall(client, name, parameters)
const refusal = (name: string, parameters: object, client?: IbmClient) => ibmRefusal(call(name, parameters, client))

const newInstance = async (resourcePlanId = STANDARD, target = 'global', more: object = {}) =>
  (await call('createResourceInstance', { name: 'made', target, resourceGroup: 'rg', resourcePlanId, ...more })).result

const newKey = async (more: object = {}) =>
  (await call('createResourceKey', { name: 'a key', source: CRN, role: 'Writer', parameters: { HMAC: true }, ...more }))
    .result

interface Pair {
  readonly access_key_id: string
  readonly secret_access_key: string
}
const s3With = ({ access_key_id, secret_access_key }: Pair): S3Client =>
  house.client(mainAccount, { credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key } })

const outcome = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => 'done',
    (error: unknown) => String(Object(error).name),
  )

/** The bucket listing with a bearer token. */
const listWith = async (token: string): Promise<number> =>
  (await fetch(house.s3Url, { headers: { authorization: `Bearer ${token}`, 'ibm-service-instance-id': CRN } })).status
const keysWith = async (token: string, instance: string = mainAccount.keyProtectInstance): Promise<number> =>
  (
    await fetch(`${house.controlUrl}/api/v2/keys`, {
      headers: { authorization: `Bearer ${token}`, 'bluemix-instance': instance },
    })
  ).status

describe('a resource instance', () => {
  it('is created, read, changed, locked and deleted as IBM’s own tests have it', async () => {
    const { status, result } = await call('createResourceInstance', {
      name: 'RcSdkInstance1',
      target: 'global',
      resourceGroup: 'rg-1',
      resourcePlanId: STANDARD,
    })
    expect(status).toBe(201)
    expect(result).toMatchObject({
      id: result.crn,
      crn: `crn:v1:bluemix:public:cloud-object-storage:global:a/${mainAccount.id}:${result.guid}::`,
      name: 'RcSdkInstance1',
      account_id: mainAccount.id,
      resource_group_id: 'rg-1',
      resource_plan_id: STANDARD,
      state: 'active',
      locked: false,
      created_by: mainAccount.user.iamId,
      last_operation: { type: 'create', async: false, state: 'succeeded' },
    })
    const { guid, crn } = result
    expect((await call('getResourceInstance', { id: guid })).result).toEqual(result)
    expect((await call('getResourceInstance', { id: crn })).result.guid).toBe(guid)

    const updated = (await call('updateResourceInstance', { id: guid, name: 'RcSdkInstanceUpdate1' })).result
    expect(updated).toMatchObject({
      name: 'RcSdkInstanceUpdate1',
      last_operation: { type: 'update', sub_type: 'config', state: 'succeeded' },
    })
    const listed = (await call('listResourceInstances', { guid })).result
    expect(listed).toMatchObject({ rows_count: 1, next_url: null, resources: [{ id: crn }] })

    const locked = await call('lockResourceInstance', { id: guid })
    expect(locked).toMatchObject({ status: 200, result: { locked: true, last_operation: { type: 'lock' } } })
    expect(await refusal('updateResourceInstance', { id: guid, name: 'x' })).toMatch(/^400 /)
    expect(await refusal('deleteResourceInstance', { id: guid })).toMatch(/^400 /)
    const unlocked = await call('unlockResourceInstance', { id: guid })
    expect(unlocked.result).toMatchObject({ locked: false, last_operation: { type: 'unlock' } })

    expect((await call('deleteResourceInstance', { id: guid, recursive: false })).status).toBe(204)
    expect((await call('getResourceInstance', { id: guid })).result).toMatchObject({
      id: crn,
      state: 'removed',
      deleted_by: mainAccount.user.iamId,
      last_operation: { type: 'delete', state: 'succeeded' },
    })
    expect(await refusal('deleteResourceInstance', { id: guid })).toMatch(/^410 /)
    expect((await call('listResourceInstances', { guid })).result.rows_count).toBe(0)
    expect((await call('listResourceInstances', { guid, state: 'removed' })).result.rows_count).toBe(1)
  })

  it('of object storage serves buckets of its own, and is deleted when it has none', async () => {
    const { guid, crn } = await newInstance()
    const token = await iamToken(house.controlUrl)
    const request = (method: string, bucket: string) =>
      fetch(`${house.s3Url}/${bucket}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'ibm-service-instance-id': crn },
      })
    expect((await request('PUT', 'of-a-new-instance')).status).toBe(200)
    expect(await refusal('deleteResourceInstance', { id: guid, recursive: true })).toBe(
      '400 RC-ResourceHasDependencies',
    )
    expect((await request('DELETE', 'of-a-new-instance')).status).toBe(204)
    expect((await call('deleteResourceInstance', { id: guid })).status).toBe(204)
    expect((await request('PUT', 'of-a-gone-instance')).status).toBe(403)
  })

  it('of Key Protect serves keys, and is deleted when it has none', async () => {
    const { guid } = await newInstance(TIERED, 'us-south')
    const token = await iamToken(house.controlUrl)
    expect(await keysWith(token, guid)).toBe(200)
    const headers = { authorization: `Bearer ${token}`, 'bluemix-instance': guid, 'content-type': 'application/json' }
    const type = 'application/vnd.ibm.kms.key+json'
    const body = JSON.stringify({
      metadata: { collectionType: type, collectionTotal: 1 },
      resources: [{ type, name: 'a key', extractable: false }],
    })
    const keys = `${house.controlUrl}/api/v2/keys`
    const made: { resources: { id: string }[] } = JSON.parse(
      await (
        await fetch(keys, { method: 'POST', headers: { ...headers, prefer: 'return=representation' }, body })
      ).text(),
    )
    expect(await refusal('deleteResourceInstance', { id: guid })).toBe('400 RC-ResourceHasDependencies')
    await fetch(`${keys}/${made.resources[0]?.id}`, { method: 'DELETE', headers })
    expect((await call('deleteResourceInstance', { id: guid })).status).toBe(204)
    expect(await keysWith(token, guid)).toBe(401)
  })

  it('is listed page by page, and nothing to another account', async () => {
    const { guid } = await newInstance()
    const seen: string[] = []
    let start: string | null = null
    do {
      const { result } = await call('listResourceInstances', { limit: 1, ...(start === null ? {} : { start }) })
      seen.push(...result.resources.map((one: { guid: string }) => one.guid))
      start = result.next_url === null ? null : new URL(result.next_url, house.controlUrl).searchParams.get('start')
    } while (start !== null)
    expect(seen).toEqual([mainAccount.objectStorageInstance, mainAccount.keyProtectInstance, guid])
    expect(await refusal('getResourceInstance', { id: guid }, asOther)).toMatch(/^404 /)
    expect(await refusal('deleteResourceInstance', { id: guid }, asOther)).toMatch(/^404 /)
    const { result } = await call('listResourceInstances', {}, asOther)
    expect(JSON.stringify(result)).not.toContain(mainAccount.id)
    await call('deleteResourceInstance', { id: guid })
  })

  it.each([
    ['a plan of nothing', { resourcePlanId: 'nonsense' }],
    ['a name with a quote', { name: 'a"b' }],
    ['a key service everywhere', { resourcePlanId: TIERED, target: 'global' }],
    ['object storage in a region', { target: 'us-south' }],
    ['what it would have to pass on', { parameters: { hello: 'bye' } }],
    ['tags', { tags: ['a'] }],
  ])('is not made of %s', async (_, wrong) => {
    const right = { name: 'n', target: 'global', resourceGroup: 'rg', resourcePlanId: STANDARD }
    expect(await refusal('createResourceInstance', { ...right, ...wrong })).toBe('400 RC-InvalidRequest')
  })
})

describe('a resource key', () => {
  it('has the shape that IBM’s has, and is told again without its API key', async () => {
    const { status, result } = await call('createResourceKey', {
      name: 'shaped',
      source: mainAccount.objectStorageInstance,
      role: 'Reader',
      parameters: { HMAC: true },
    })
    expect(status).toBe(201)
    expect(result).toMatchObject({
      id: result.crn,
      crn: CRN.replace(/::$/, `:resource-key:${result.guid}`),
      name: 'shaped',
      account_id: mainAccount.id,
      source_crn: CRN,
      state: 'active',
      iam_compatible: true,
      credentials: {
        apikey: expect.stringMatching(/^[A-Za-z0-9]{44}$/),
        cos_hmac_keys: {
          access_key_id: result.guid.replaceAll('-', ''),
          secret_access_key: expect.stringMatching(/^[0-9a-f]{48}$/),
        },
        iam_apikey_name: 'shaped',
        iam_role_crn: 'crn:v1:bluemix:public:iam::::serviceRole:Reader',
        iam_serviceid_crn: expect.stringMatching(/^crn:v1:bluemix:public:iam-identity::a\/1{32}::serviceid:ServiceId-/),
        resource_instance_id: CRN,
      },
    })
    const { apikey, ...told } = result.credentials
    for (const id of [result.guid, result.crn]) {
      expect((await call('getResourceKey', { id })).result.credentials).toEqual(told)
    }
    const everything = JSON.stringify((await call('listResourceKeys', {})).result)
    expect(everything).toContain(told.cos_hmac_keys.secret_access_key)
    expect(everything).not.toContain(apikey)
    const renamed = await call('updateResourceKey', { id: result.guid, name: 'renamed' })
    expect(renamed.result).toMatchObject({ name: 'renamed', credentials: { iam_apikey_name: 'renamed' } })
    const ofInstance = await call('listResourceKeysForInstance', { id: CRN })
    expect(JSON.stringify(ofInstance.result)).toContain(result.guid)
  })

  it('works with S3 by HMAC and by token, within its role and its instance', async () => {
    const writer = (await newKey()).credentials
    const reader = (await newKey({ role: 'Reader' })).credentials
    const admin = house.client()
    await admin.send(new CreateBucketCommand({ Bucket: 'for-keys' }))
    const put = (pair: Pair) => new PutObjectCommand({ Bucket: 'for-keys', Key: 'k', Body: pair.access_key_id })
    const get = new GetObjectCommand({ Bucket: 'for-keys', Key: 'k' })
    expect(await outcome(s3With(writer.cos_hmac_keys).send(put(writer.cos_hmac_keys)))).toBe('done')
    expect(await outcome(s3With(reader.cos_hmac_keys).send(get))).toBe('done')
    expect(await outcome(s3With(reader.cos_hmac_keys).send(put(reader.cos_hmac_keys)))).toBe('AccessDenied')
    expect(await listWith(await iamToken(house.controlUrl, reader.apikey))).toBe(200)
    const shut = new PutPublicAccessBlockCommand({ Bucket: 'for-keys', PublicAccessBlockConfiguration: {} })
    expect(await outcome(s3With(writer.cos_hmac_keys).send(shut))).toBe('AccessDenied')
    // Nothing of the account's Key Protect instance, nothing of another object storage instance.
    expect(await keysWith(await iamToken(house.controlUrl, writer.apikey))).toBe(401)
    const { crn, guid } = await newInstance()
    const elsewhere = await newKey({ source: crn })
    expect(await outcome(s3With(elsewhere.credentials.cos_hmac_keys).send(get))).toBe('AccessDenied')
    expect(await outcome(s3With(elsewhere.credentials.cos_hmac_keys).send(new ListBucketsCommand({})))).toBe('done')
    expect(await refusal('deleteResourceInstance', { id: guid })).toBe('400 RC-ResourceHasDependencies')
    expect((await call('deleteResourceInstance', { id: guid, recursive: true })).status).toBe(204)
    expect((await call('getResourceKey', { id: elsewhere.guid })).result.state).toBe('removed')
    expect(await outcome(s3With(elsewhere.credentials.cos_hmac_keys).send(new ListBucketsCommand({})))).toBe(
      'InvalidAccessKeyId',
    )
  })

  it('stops at the next request when it is deleted: HMAC pair, API key and token', async () => {
    const { guid, credentials } = await newKey()
    const s3 = s3With(credentials.cos_hmac_keys)
    const token = await iamToken(house.controlUrl, credentials.apikey)
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('done')
    expect(await listWith(token)).toBe(200)
    expect((await call('deleteResourceKey', { id: guid })).status).toBe(204)
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('InvalidAccessKeyId')
    expect(await listWith(token)).toBe(403)
    await expect(iamToken(house.controlUrl, credentials.apikey)).rejects.toThrow('BXNIM0415E')
    const { result } = await call('getResourceKey', { id: guid })
    expect(result.state).toBe('removed')
    expect(result.credentials).toBeUndefined()
    expect(await refusal('deleteResourceKey', { id: guid })).toMatch(/^410 /)
    const serviceId = credentials.iam_serviceid_crn.split(':').at(-1)
    expect(await refusal('getServiceId', { id: serviceId }, identity)).toBe('404 not_found')
  })

  it('of Key Protect stops likewise', async () => {
    const key = await newKey({ source: mainAccount.keyProtectInstance, role: 'Reader', parameters: {} })
    expect(key.credentials.cos_hmac_keys).toBeUndefined()
    const token = await iamToken(house.controlUrl, key.credentials.apikey)
    expect(await keysWith(token)).toBe(200)
    await call('deleteResourceKey', { id: key.guid })
    expect(await keysWith(token)).toBe(401)
  })

  it('stops with its service ID, and while its API key is disabled', async () => {
    const { credentials } = await newKey()
    const s3 = s3With(credentials.cos_hmac_keys)
    const token = await iamToken(house.controlUrl, credentials.apikey)
    await call('disableApiKey', { id: credentials.iam_apikey_id }, identity)
    expect(await listWith(token)).toBe(403)
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('done')
    await call('enableApiKey', { id: credentials.iam_apikey_id }, identity)
    expect(await listWith(token)).toBe(200)
    await call('deleteServiceId', { id: credentials.iam_serviceid_crn.split(':').at(-1) }, identity)
    expect(await listWith(token)).toBe(403)
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('InvalidAccessKeyId')
  })

  it('may be of a service ID that is there, which stays when the key goes', async () => {
    const made = await call('createServiceId', { accountId: mainAccount.id, name: 'shared' }, identity)
    const serviceid_crn = made.result.crn
    const key = await newKey({ parameters: { HMAC: true, serviceid_crn } })
    const again = await newKey({ name: 'second', parameters: { serviceid_crn } })
    expect(key.credentials.iam_serviceid_crn).toBe(serviceid_crn)
    const s3 = s3With(key.credentials.cos_hmac_keys)
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('done')
    await call('deleteResourceKey', { id: again.guid })
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('done')
    await call('deleteResourceKey', { id: key.guid })
    expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('InvalidAccessKeyId')
    expect((await call('getServiceId', { id: made.result.id }, identity)).status).toBe(200)
    const foreign = serviceid_crn.replace(mainAccount.id, otherAccount.id)
    expect(await refusal('createResourceKey', { name: 'n', source: CRN, parameters: { serviceid_crn: foreign } })).toBe(
      '404 RC-ResourceNotFound',
    )
  })

  it('without a role may do nothing until it is granted something', async () => {
    const { credentials } = await newKey({ role: undefined })
    expect(credentials.iam_role_crn).toBeUndefined()
    expect(await outcome(s3With(credentials.cos_hmac_keys).send(new ListBucketsCommand({})))).toBe('AccessDenied')
  })

  it('is told once only for an instance that wants it so, and without secrets to who may only look', async () => {
    const { guid } = await newInstance(STANDARD, 'global', { parameters: { onetime_credentials: true } })
    const once = await newKey({ source: guid })
    expect(once.credentials.cos_hmac_keys.access_key_id).toMatch(/^[0-9a-f]{32}$/)
    const hidden = { REDACTED: 'REDACTED_EXPLICIT' }
    expect((await call('getResourceKey', { id: once.guid })).result.credentials).toEqual(hidden)
    await call('deleteResourceInstance', { id: guid, recursive: true })

    const key = await newKey()
    const viewer = await call(
      'createServiceId',
      { accountId: mainAccount.id, name: 'viewer', apikey: { name: 'k' } },
      identity,
    )
    const policies = await platformClient('iam-policy-management/v1', house.controlUrl, mainAccount.user.apiKey)
    await call(
      'createPolicy',
      {
        type: 'access',
        subjects: [{ attributes: [{ name: 'iam_id', value: viewer.result.iam_id }] }],
        roles: [{ role_id: 'crn:v1:bluemix:public:iam::::role:Viewer' }],
        resources: [
          {
            attributes: [
              { name: 'accountId', value: mainAccount.id },
              { name: 'serviceName', value: 'iam' },
            ],
          },
        ],
      },
      policies,
    )
    const asViewer = await platformClient('resource-controller/v2', house.controlUrl, viewer.result.apikey.apikey)
    const seen = (await call('getResourceKey', { id: key.guid }, asViewer)).result
    expect(seen.credentials).toEqual({ REDACTED: 'REDACTED' })
    expect(JSON.stringify((await call('listResourceKeys', {}, asViewer)).result)).not.toContain(
      key.credentials.cos_hmac_keys.secret_access_key,
    )
    expect(await refusal('createResourceKey', { name: 'n', source: CRN, role: 'Manager' }, asViewer)).toMatch(/^403 /)
    expect(await refusal('deleteResourceKey', { id: key.guid }, asViewer)).toMatch(/^403 /)
    expect(await refusal('getResourceKey', { id: key.guid }, asOther)).toMatch(/^404 /)
    expect(await refusal('createResourceKey', { name: 'n', source: CRN, role: 'Manager' }, asOther)).toMatch(/^404 /)
  })

  it.each([
    ['a role that is none', { role: 'Emperor' }],
    ['a role of another service', { role: 'crn:v1:bluemix:public:kms::::serviceRole:ReaderPlus' }],
    ['a parameter that would not act', { parameters: { HMAC: true, 'service-endpoints': 'private' } }],
    ['HMAC for keys', { source: mainAccount.keyProtectInstance }],
    ['a name with a slash', { name: 'a/b' }],
  ])('is not made of %s, nor is anything for it', async (_, wrong) => {
    const right = { name: 'n', source: CRN, role: 'Reader', parameters: { HMAC: true } }
    const before = (await call('listServiceIds', { accountId: mainAccount.id, pagesize: 100 }, identity)).result
    expect(await refusal('createResourceKey', { ...right, ...wrong })).toBe('400 RC-InvalidRequest')
    const after = (await call('listServiceIds', { accountId: mainAccount.id, pagesize: 100 }, identity)).result
    expect(after.serviceids).toEqual(before.serviceids)
  })
})

it('everything is the same after a restart, and no secret is in clear on the disk', async () => {
  await using first = await startHouse()
  const client = await platformClient('resource-controller/v2', first.controlUrl, mainAccount.user.apiKey)
  const parameters = { name: 'kept', source: CRN, role: 'Writer', parameters: { HMAC: true } }
  const { credentials, guid } = (await call('createResourceKey', parameters, client)).result
  const instance = { name: 'kept', target: 'global', resourceGroup: 'rg', resourcePlanId: STANDARD }
  const made = (await call('createResourceInstance', instance, client)).result
  await first.stop()

  const files = await readdir(first.dataDir, { recursive: true, withFileTypes: true })
  for (const file of files.filter((entry) => entry.isFile())) {
    const content = await readFile(path.join(file.parentPath, file.name))
    for (const secret of [credentials.apikey, credentials.cos_hmac_keys.secret_access_key]) {
      expect([file.name, content.includes(secret)]).toEqual([file.name, false])
    }
  }

  await using second = await startHouse({ directory: first.directory })
  const again = await platformClient('resource-controller/v2', second.controlUrl, mainAccount.user.apiKey)
  expect((await call('getResourceInstance', { id: made.guid }, again)).result).toEqual(made)
  const { apikey, ...told } = credentials
  expect((await call('getResourceKey', { id: guid }, again)).result.credentials).toEqual(told)
  const pair = { accessKeyId: told.cos_hmac_keys.access_key_id, secretAccessKey: told.cos_hmac_keys.secret_access_key }
  const s3 = second.client(mainAccount, { credentials: pair })
  expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('done')
  await expect(iamToken(second.controlUrl, apikey)).resolves.toBeDefined()
})
