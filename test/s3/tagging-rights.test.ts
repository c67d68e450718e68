import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectTaggingCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootstrapOf, mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { ibmCall, platformClient } from '../support/ibm-clients.ts'

let directory: string
let test: TestHouse
let token: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount])))
  document.accounts[0].users.push({
    ...{ iamId: 'IBMid-putter', name: 'putter', email: 'putter@example.com', hmac: [] },
    roles: { 'cloud-object-storage': null, kms: null, iam: null },
    apiKeys: ['api key of the putter'],
  })
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(document))
  test = await startHouse({
    directory,
    settings: { COFFER_BOOTSTRAP_FILE: path, COFFER_S3_BUCKET_DEFAULTS: 'classic' },
  })
  await test.client().send(new CreateBucketCommand({ Bucket: 'objects' }))
  const policies = await platformClient('iam-policy-management/v1', test.controlUrl, mainAccount.user.apiKey)
  const attributes = { accountId: mainAccount.id, serviceName: 'cloud-object-storage' }
  const custom = await ibmCall(policies, 'createRole', {
    ...{ name: 'BytesOnly', displayName: 'BytesOnly', accountId: mainAccount.id, serviceName: 'cloud-object-storage' },
    actions: ['object.get', 'object.put', 'bucket.get_cors'].map((name) => `cloud-object-storage.${name}`),
  })
  await ibmCall(policies, 'createPolicy', {
    type: 'access',
    subjects: [{ attributes: [{ name: 'iam_id', value: 'IBMid-putter' }] }],
    roles: [{ role_id: custom.result.crn }],
    resources: [{ attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })) }],
  })
  token = await iamToken(test.controlUrl, 'api key of the putter')
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const send = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${test.s3Url}/objects/${path}`, {
    ...{
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'ibm-service-instance-id': objectStorageCrn(mainAccount),
        ...headers,
      },
    },
    ...(method === 'PUT' ? { body: headers['x-amz-copy-source'] ? '' : 'x' } : {}),
  })

it('needs the right to tag beside the right to write', async () => {
  expect((await send('PUT', 'plain')).status).toBe(200)
  expect((await send('PUT', 'tagged', { 'x-amz-tagging': 'a=b' })).status).toBe(403)
  expect((await send('POST', 'tagged?uploads', { 'x-amz-tagging': 'a=b' })).status).toBe(403)
  expect((await send('GET', 'plain?tagging')).status).toBe(403)
})

it('needs the right to read tags to copy or count them', async () => {
  await test.client().send(new PutObjectCommand({ Bucket: 'objects', Key: 'secret', Body: 'x', Tagging: 'a=b' }))
  const seen = await send('HEAD', 'secret')
  expect([seen.status, seen.headers.get('x-amz-tagging-count')]).toEqual([200, null])
  expect((await send('PUT', 'copy', { 'x-amz-copy-source': 'objects/secret' })).status).toBe(403)
  expect((await send('PUT', 'copy', { 'x-amz-copy-source': 'objects/plain' })).status).toBe(200)
  const bare = { 'x-amz-copy-source': 'objects/secret', 'x-amz-tagging-directive': 'REPLACE' }
  expect((await send('PUT', 'copy', bare)).status).toBe(200)
})

it('goes with the right to write that an ACL gives, for what a form uploads', async () => {
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'public', ACL: 'public-read-write' }))
  const form = new FormData()
  form.set('key', 'by anybody')
  form.set('tagging', '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>')
  form.set('file', 'bytes')
  expect((await fetch(`${test.s3Url}/public`, { method: 'POST', body: form })).status).toBe(204)
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: 'public', Key: 'by anybody' }))
  expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }])
  await s3.send(new PutObjectCommand({ Bucket: 'public', Key: 'mine', Body: 'x' }))
  const body = '<Tagging><TagSet/></Tagging>'
  expect((await fetch(`${test.s3Url}/public/mine?tagging`, { method: 'PUT', body })).status).toBe(403)
})

it('needs the rights to retain, to hold and to bypass beside those to write and to delete', async () => {
  const retained = {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': '2099-01-01T00:00:00Z',
  }
  expect((await send('PUT', 'retained', retained)).status).toBe(403)
  expect((await send('PUT', 'held', { 'x-amz-object-lock-legal-hold': 'ON' })).status).toBe(403)
  expect((await send('PUT', 'plain?retention')).status).toBe(403)
  expect((await send('PUT', 'plain?legal-hold')).status).toBe(403)
  expect((await send('DELETE', 'plain', { 'x-amz-bypass-governance-retention': 'true' })).status).toBe(403)
})

it('needs the rights to read a lock to be told of it', async () => {
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
  const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date('2099-01-01') } as const
  await s3.send(new PutObjectCommand({ Bucket: 'locked', Key: 'k', Body: 'x', ...lock }))
  const seen = await send('HEAD', '../locked/k')
  expect([seen.status, seen.headers.get('x-amz-object-lock-mode')]).toEqual([200, null])
  expect((await s3.send(new HeadObjectCommand({ Bucket: 'locked', Key: 'k' }))).ObjectLockMode).toBe('GOVERNANCE')
})

it('a name is given by whoever may read and delete the one and write the other', async () => {
  await test.client().send(new PutObjectCommand({ Bucket: 'objects', Key: 'undeletable', Body: 'x' }))
  const renamed = await send('PUT', 'mine?renameObject', { 'x-amz-rename-source': 'undeletable' })
  expect(renamed.status).toBe(403)
  expect((await send('HEAD', 'undeletable')).status).toBe(200)
})

it('CORS rules are read, and not set, by a role that names only the first', async () => {
  expect((await send('GET', '?cors')).status).toBe(404)
  expect((await send('PUT', '?cors')).status).toBe(403)
  expect((await send('GET', '?website')).status).toBe(403)
})
