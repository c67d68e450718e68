import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/api/s3/operations/index.ts'
import { bootstrapOf, mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type IbmClient, ibmCall, platformClient } from '../support/ibm-clients.ts'
import { sampleRequest } from '../support/operation-samples.ts'
import { type RawS3Request, sendRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'

/** A user of the main account who has no role: whatever she may do is in access policies. */
const guest: TestAccount = {
  ...mainAccount,
  user: {
    iamId: 'IBMid-guest',
    name: 'Guest',
    email: 'guest@example.com',
    accessKeyId: 'TESTGUESTKEY',
    secretAccessKey: 'secret of the guest',
    apiKey: 'api key of the guest',
  },
}
const NO_ROLES = { 'cloud-object-storage': null, kms: null, iam: null }

let directory: string
let test: TestHouse
let policies: IbmClient
let token: string
const keys: Record<'mine' | 'other', string> = { mine: '', other: '' }
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount])))
  const { iamId, name, email, accessKeyId, secretAccessKey, apiKey } = guest.user
  const hmac = [{ accessKeyId, secretAccessKey }]
  document.accounts[0].users.push({ iamId, name, email, hmac, apiKeys: [apiKey], roles: NO_ROLES })
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(document))
  test = await startHouse({ directory, settings: { COFFER_BOOTSTRAP_FILE: path } })
  for (const bucket of ['photos', 'letters']) {
    await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
    await test.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: bucket }))
  }
  policies = await platformClient('iam-policy-management/v1', test.controlUrl, mainAccount.user.apiKey)
  token = await iamToken(test.controlUrl, apiKey)
  keys.mine = (await createRootKey(test.controlUrl, 'mine')).id
  keys.other = (await createRootKey(test.controlUrl, 'other')).id
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const call = (name: string, parameters: object) => ibmCall(policies, name, parameters)

/** Grants, and hands back how to take it away. */
async function grant(roles: readonly string[], resource: Readonly<Record<string, string>>) {
  const { result } = await call('createV2Policy', {
    type: 'access',
    subject: { attributes: [{ key: 'iam_id', operator: 'stringEquals', value: guest.user.iamId }] },
    control: { grant: { roles: roles.map((role_id) => ({ role_id })) } },
    resource: {
      attributes: Object.entries({ accountId: mainAccount.id, ...resource }).map(([key, value]) => ({
        ...{ key, operator: value.includes('*') ? 'stringMatch' : 'stringEquals', value },
      })),
    },
  })
  return () => call('deleteV2Policy', { id: result.id })
}
const role = (name: string, service = 'iam') => `crn:v1:bluemix:public:${service}::::serviceRole:${name}`
const storage = (resource: object = {}) => ({
  serviceName: 'cloud-object-storage',
  serviceInstance: mainAccount.objectStorageInstance,
  ...resource,
})
const inBucket = (resource: string) => storage({ resourceType: 'bucket', resource })

const plain = ({ method, path, query = {}, headers = {}, body }: RawS3Request) => {
  const rawQuery = new URLSearchParams(query).toString()
  return sendPlain(test.s3Url, {
    method,
    target: rawQuery === '' ? path : `${path}?${rawQuery}`,
    headers: { ...headers, ...bearer(token) },
    ...(body === undefined ? {} : { body }),
  })
}
/** Denied or not, for the same person by signature and by token: they never differ. */
async function denied(request: RawS3Request): Promise<boolean> {
  const statuses = [(await sendRaw(test.s3Url, { ...request, account: guest })).status, (await plain(request)).status]
  const [signed, withToken] = statuses.map((status) => status === 403)
  expect([request.method, request.path, ...statuses, signed]).toEqual([
    request.method,
    request.path,
    ...statuses,
    withToken,
  ])
  return signed === true
}
const read = (bucket: string): RawS3Request => ({ method: 'GET', path: `/${bucket}/key` })
const write = (bucket: string): RawS3Request => ({ method: 'PUT', path: `/${bucket}/by-guest`, body: 'x' })
const list = (bucket: string): RawS3Request => ({ method: 'GET', path: `/${bucket}`, query: { 'list-type': '2' } })
const LIST_BUCKETS: RawS3Request = { method: 'GET', path: '/' }
const all = (requests: readonly RawS3Request[]) => Promise.all(requests.map(denied))

describe('a user without a role', () => {
  it.each(OPERATIONS.map((operation) => ({ name: operation.name, operation })))(
    'is denied $name',
    async ({ operation }) => {
      expect(await denied(sampleRequest(operation, { bucket: 'photos', key: 'key', source: 'letters/key' }))).toBe(true)
    },
  )

  it('is denied every key and every policy', async () => {
    expect(await kms('GET', '/keys')).toBe(401)
    expect(await kms('GET', `/keys/${keys.mine}/metadata`)).toBe(401)
    const reply = await fetch(`${test.controlUrl}/v2/policies?account_id=${mainAccount.id}`, { headers: bearer(token) })
    expect([reply.status, JSON.parse(await reply.text())]).toEqual([200, { policies: [] }])
  })
})

describe('a policy for a bucket', () => {
  it('opens that bucket as far as its role goes, and is over when it is deleted', async () => {
    const asked = [read('photos'), list('photos'), write('photos'), read('letters'), LIST_BUCKETS]
    expect(await all(asked)).toEqual([true, true, true, true, true])
    const takeReader = await grant([role('Reader')], inBucket('photos'))
    expect(await all(asked)).toEqual([false, false, true, true, true])
    const takeWriter = await grant([role('Writer')], inBucket('photos'))
    expect(await all(asked)).toEqual([false, false, false, true, true])
    await takeReader()
    expect(await all(asked)).toEqual([false, false, false, true, true])
    await takeWriter()
    expect(await all(asked)).toEqual([true, true, true, true, true])
  })

  it('does not let a copy bring in what another bucket holds', async () => {
    const take = await grant([role('Writer')], inBucket('photos'))
    const copy = (source: string): RawS3Request => ({
      ...{ method: 'PUT', path: '/photos/copy', headers: { 'x-amz-copy-source': source }, body: '' },
    })
    expect(await all([copy('photos/key'), copy('letters/key')])).toEqual([false, true])
    await take()
  })

  it('can be for buckets by name, and for the instance', async () => {
    const takeLetters = await grant([role('ContentReader', 'cloud-object-storage')], inBucket('let*'))
    expect(await all([read('letters'), list('letters'), read('photos')])).toEqual([false, false, true])
    await takeLetters()
    const takeAll = await grant([role('Reader')], storage())
    expect(await all([read('letters'), read('photos'), LIST_BUCKETS])).toEqual([false, false, false])
    await takeAll()
  })

  it('can be made of single actions', async () => {
    const { result } = await call('createRole', {
      accountId: mainAccount.id,
      serviceName: 'cloud-object-storage',
      name: 'Dropbox',
      displayName: 'Drop box',
      actions: ['cloud-object-storage.object.put'],
    })
    const take = await grant([result.crn], inBucket('photos'))
    expect(await all([write('photos'), read('photos'), list('photos'), write('letters')])).toEqual([
      false,
      true,
      true,
      true,
    ])
    await take()
    await call('deleteRole', { roleId: result.id })
  })
})

async function kms(method: string, path: string, body?: object): Promise<number> {
  const reply = await fetch(`${test.controlUrl}/api/v2${path}`, {
    method,
    headers: {
      ...bearer(token),
      'bluemix-instance': mainAccount.keyProtectInstance,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  await reply.arrayBuffer()
  return reply.status
}

describe('a policy for a key', () => {
  const wrap = (id: string) => kms('POST', `/keys/${id}/actions/wrap`, {})

  it('opens that key as far as its role goes, and is over when it is deleted', async () => {
    const resource = { serviceName: 'kms', serviceInstance: mainAccount.keyProtectInstance, resourceType: 'key' }
    const take = await grant([role('Reader')], { ...resource, resource: keys.mine })
    expect([await wrap(keys.mine), await wrap(keys.other)]).toEqual([200, 401])
    expect(await kms('POST', `/keys/${keys.mine}/actions/disable`)).toBe(401)
    await take()
    expect(await wrap(keys.mine)).toBe(401)
  })

  it('for its ring opens what is in the ring', async () => {
    const take = await grant([role('Reader')], { serviceName: 'kms', keyRing: 'default' })
    expect(await wrap(keys.mine)).toBe(200)
    await take()
    const takeOther = await grant([role('Reader')], { serviceName: 'kms', keyRing: 'another' })
    expect(await wrap(keys.mine)).toBe(401)
    await takeOther()
  })
})
