import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/api/s3/operations/index.ts'
import { bootstrapOf, mainAccount, objectStorageCrn, type TestAccount } from '../support/bootstrap.ts'
import { iamToken, serviceToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { sampleRequest } from '../support/operation-samples.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, type RawS3Request, sendRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'

/** Further users of the main account. */
const userOf = (role: 'Reader' | 'Writer' | 'Manager'): TestAccount => ({
  ...mainAccount,
  user: {
    iamId: `IBMid-${role}`,
    name: role,
    email: `${role}@example.com`,
    accessKeyId: `TEST${role.toUpperCase()}KEY`,
    secretAccessKey: `secret of the ${role}`,
    apiKey: `api key of the ${role}`,
  },
})
const ROLES = ['Reader', 'Writer', 'Manager'] as const

let directory: string
let test: TestHouse
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
  const path = join(directory, 'identities.json')
  await writeFile(path, JSON.stringify(identities()))
  test = await startHouse({ directory, settings: { COFFER_BOOTSTRAP_FILE: path } })
  const s3 = test.client()
  await s3.send(new CreateBucketCommand({ Bucket: 'mine' }))
  await s3.send(new PutObjectCommand({ Bucket: 'mine', Key: 'key', Body: 'mine' }))
  const foreign = test.client(otherAccount)
  await foreign.send(new CreateBucketCommand({ Bucket: 'theirs' }))
  await foreign.send(new PutObjectCommand({ Bucket: 'theirs', Key: 'key', Body: 'theirs' }))
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

function identities(): object {
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount, otherAccount])))
  for (const role of ROLES) {
    const { iamId, name, email, accessKeyId, secretAccessKey, apiKey } = userOf(role).user
    document.accounts[0].users.push({
      iamId,
      name,
      email,
      hmac: [{ accessKeyId, secretAccessKey }],
      apiKeys: [apiKey],
      roles: { 'cloud-object-storage': role, kms: 'Reader', iam: 'Viewer' },
    })
  }
  return document
}

const plain = ({ method, path, query = {}, headers = {}, body }: RawS3Request, more: Record<string, string> = {}) => {
  const rawQuery = new URLSearchParams(query).toString()
  return sendPlain(test.s3Url, {
    method,
    target: rawQuery === '' ? path : `${path}?${rawQuery}`,
    headers: { ...headers, ...more },
    ...(body === undefined ? {} : { body }),
  })
}
const untouched = async () => {
  const { Body } = await test.client().send(new GetObjectCommand({ Bucket: 'mine', Key: 'key' }))
  expect(await Body?.transformToString()).toBe('mine')
  const page = await sendRaw(test.s3Url, { method: 'GET', path: '/mine' })
  expect([...page.body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key)).toEqual(['key'])
}
const all = OPERATIONS.map((operation) => ({ name: operation.name, operation }))
const ofBuckets = all.filter(({ name, operation }) => operation.on !== 'service' && name !== 'CreateBucket')
const copies = all.filter(({ operation }) => operation.alsoUses !== undefined)

describe('Without credentials', () => {
  it.each(all)('$name is denied', async ({ operation }) => {
    const reply = await plain(sampleRequest(operation, { bucket: 'mine', key: 'key', source: 'mine/key' }))
    expect(reply.status).toBe(403)
    if (operation.method !== 'HEAD') expect(reply.code).toBe('AccessDenied')
    await untouched()
  })

  it('nothing tells whether an object is there', async () => {
    const texts = await Promise.all(
      ['/mine/key', '/mine/kex'].map(async (path) =>
        (await plain({ method: 'GET', path })).body.toString().replace(/<(RequestId|Resource)>[^<]*/g, ''),
      ),
    )
    expect(new Set(texts).size).toBe(1)
  })

  it('a form without a policy is denied', async () => {
    const body =
      '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nkey\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nforged\r\n--x--\r\n'
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    expect(outcome(await plain({ method: 'POST', path: '/mine', body, headers }))).toBe('403 AccessDenied')
    await untouched()
  })
})

describe('As a service', () => {
  it.each([
    ['of this account', mainAccount],
    ['of another account', otherAccount],
  ])('%s, nothing is allowed: it has no objects of its own', async (_whose, account) => {
    const user = await iamToken(test.controlUrl, account.user.apiKey)
    const token = await serviceToken(test.controlUrl, user, objectStorageCrn(account))
    for (const { name, operation } of all) {
      const reply = await plain(
        sampleRequest(operation, { bucket: 'mine', key: 'key', source: 'mine/key' }),
        bearer(token),
      )
      expect([name, reply.status]).toEqual([name, 403])
    }
    await untouched()
  })
})

describe('As another account', () => {
  const target = { bucket: 'mine', key: 'key', source: 'mine/key' }

  it.each(ofBuckets)('$name is denied by signature', async ({ operation }) => {
    const reply = await sendRaw(test.s3Url, { ...sampleRequest(operation, target), account: otherAccount })
    expect(reply.status).toBe(403)
    if (operation.method !== 'HEAD') expect(reply.code).toBe('AccessDenied')
    await untouched()
  })

  it.each(ofBuckets)('$name is denied by token, whatever instance it names', async ({ operation }) => {
    const token = await iamToken(test.controlUrl, otherAccount.user.apiKey)
    const request = sampleRequest(operation, target)
    for (const instance of [undefined, otherAccount.objectStorageInstance, mainAccount.objectStorageInstance]) {
      const reply = await plain(request, bearer(token, instance))
      expect(reply.status).toBe(403)
      if (operation.method !== 'HEAD') expect(reply.code).toBe('AccessDenied')
    }
    await untouched()
  })

  it.each(copies)('$name takes no source of ours, and no target', async ({ operation }) => {
    for (const target of [
      { bucket: 'theirs', key: 'stolen', source: 'mine/key' },
      { bucket: 'theirs', key: 'stolen', source: '/mine/key' },
      { bucket: 'theirs', key: 'stolen', source: 'mine%2Fkey' },
      { bucket: 'theirs', key: 'stolen', source: 'theirs/../mine/key' },
      { bucket: 'mine', key: 'forged', source: 'theirs/key' },
    ]) {
      const reply = await sendRaw(test.s3Url, { ...sampleRequest(operation, target), account: otherAccount })
      expect([target, reply.status === 403 || reply.status === 404]).toEqual([target, true])
    }
    const stolen = await sendRaw(test.s3Url, { method: 'HEAD', path: '/theirs/stolen', account: otherAccount })
    expect(stolen.status).toBe(404)
    await untouched()
  })

  it('a signed form is denied', async () => {
    const { url, fields } = await createPresignedPost(test.client(otherAccount), { Bucket: 'mine', Key: 'key' })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('file', new Blob(['forged']))
    const reply = await fetch(url, { method: 'POST', body: form })
    expect([reply.status, /<Code>(.*?)</.exec(await reply.text())?.[1]]).toEqual([403, 'AccessDenied'])
    await untouched()
  })

  it('deleting many deletes none', async () => {
    const body = '<Delete><Object><Key>key</Key></Object></Delete>'
    const reply = await sendRaw(test.s3Url, {
      method: 'POST',
      path: '/mine',
      query: { delete: '' },
      body,
      headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
      account: otherAccount,
    })
    expect(outcome(reply)).toBe('403 AccessDenied')
    await untouched()
  })

  it('the service lists and makes what is its own', async () => {
    const list = await sendRaw(test.s3Url, { method: 'GET', path: '/', account: otherAccount })
    expect(list.body.toString()).toContain('<Name>theirs</Name>')
    expect(list.body.toString()).not.toContain('<Name>mine</Name>')
    const create = await sendRaw(test.s3Url, { method: 'PUT', path: '/mine', account: otherAccount })
    expect(outcome(create)).toBe('409 BucketAlreadyExists')
  })
})

/** What each role may do besides what the one before it may. Written down here once more, on purpose. */
const MAY: Readonly<Record<(typeof ROLES)[number], readonly string[]>> = {
  Reader: [
    'GetBucketAccelerateConfiguration',
    'GetBucketAnalyticsConfiguration',
    'GetBucketCors',
    'GetBucketIntelligentTieringConfiguration',
    'GetBucketInventoryConfiguration',
    'GetBucketLifecycleConfiguration',
    'GetBucketLocation',
    'GetBucketLogging',
    'GetBucketMetricsConfiguration',
    'GetBucketProtectionConfiguration',
    'GetBucketReplication',
    'GetBucketRequestPayment',
    'GetBucketTagging',
    'GetBucketVersioning',
    'GetBucketWebsite',
    'GetObject',
    'GetObjectAttributes',
    'GetObjectLegalHold',
    'GetObjectLockConfiguration',
    'GetObjectRetention',
    'GetObjectTagging',
    'HeadBucket',
    'HeadObject',
    'ListBucketAnalyticsConfigurations',
    'ListBucketIntelligentTieringConfigurations',
    'ListBucketInventoryConfigurations',
    'ListBucketMetricsConfigurations',
    'ListBuckets',
    'ListLegalHolds',
    'ListMultipartUploads',
    'ListObjectVersions',
    'ListObjects',
    'ListObjectsV2',
    'ListParts',
  ],
  Writer: [
    'AbortMultipartUpload',
    'AddLegalHold',
    'CompleteMultipartUpload',
    'CopyObject',
    'CreateBucket',
    'CreateMultipartUpload',
    'DeleteBucket',
    'DeleteBucketAnalyticsConfiguration',
    'DeleteBucketCors',
    'DeleteBucketIntelligentTieringConfiguration',
    'DeleteBucketInventoryConfiguration',
    'DeleteBucketLifecycle',
    'DeleteBucketMetricsConfiguration',
    'DeleteBucketReplication',
    'DeleteBucketTagging',
    'DeleteBucketWebsite',
    'DeleteLegalHold',
    'DeleteObject',
    'DeleteObjectTagging',
    'DeleteObjects',
    'ExtendObjectRetention',
    'GetBucketEncryption',
    'PostObject',
    'PutBucketAccelerateConfiguration',
    'PutBucketAnalyticsConfiguration',
    'PutBucketCors',
    'PutBucketIntelligentTieringConfiguration',
    'PutBucketInventoryConfiguration',
    'PutBucketLifecycleConfiguration',
    'PutBucketLogging',
    'PutBucketMetricsConfiguration',
    'PutBucketReplication',
    'PutBucketRequestPayment',
    'PutBucketTagging',
    'PutBucketVersioning',
    'PutBucketWebsite',
    'PutObject',
    'PutObjectLegalHold',
    'PutObjectLockConfiguration',
    'PutObjectRetention',
    'PutObjectTagging',
    'RenameObject',
    'RestoreObject',
    'UploadPart',
    'UploadPartCopy',
  ],
  Manager: [
    'DeleteBucketEncryption',
    'DeleteBucketOwnershipControls',
    'DeleteBucketPolicy',
    'DeletePublicAccessBlock',
    'GetBucketAcl',
    'GetBucketNotificationConfiguration',
    'GetBucketOwnershipControls',
    'GetBucketPolicy',
    'GetBucketPolicyStatus',
    'GetObjectAcl',
    'GetPublicAccessBlock',
    'PutBucketAcl',
    'PutBucketEncryption',
    'PutBucketNotificationConfiguration',
    'PutBucketOwnershipControls',
    'PutBucketPolicy',
    'PutBucketProtectionConfiguration',
    'PutObjectAcl',
    'PutPublicAccessBlock',
    'UpdateObjectEncryption',
  ],
}

describe.each(ROLES)('As %s', (role) => {
  const allowed = new Set(ROLES.slice(0, ROLES.indexOf(role) + 1).flatMap((each) => MAY[each]))
  const account = userOf(role)

  it.each(all)('$name', async ({ name, operation }) => {
    const bucket = 'roles'
    await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
    const request = sampleRequest(operation, { bucket, key: `by-${role}`, source: 'mine/key' })
    const token = await iamToken(test.controlUrl, account.user.apiKey)
    for (const reply of [await sendRaw(test.s3Url, { ...request, account }), await plain(request, bearer(token))]) {
      if (allowed.has(name)) expect(reply.status).not.toBe(403)
      else expect(reply.status).toBe(403)
    }
  })
})

describe('The table of roles', () => {
  it('knows every operation', () => {
    expect(Object.values(MAY).flat().sort()).toEqual(OPERATIONS.map(({ name }) => name).sort())
  })
})

describe('x-amz-expected-bucket-owner', () => {
  const get = (headers: Record<string, string>) =>
    sendRaw(test.s3Url, { method: 'GET', path: '/mine/key', headers }).then(outcome)

  it('lets the owner pass under the id of the account, and nobody under another', async () => {
    expect(await get({ 'x-amz-expected-bucket-owner': mainAccount.id })).toBe('200')
    expect(await get({ 'x-amz-expected-bucket-owner': otherAccount.id })).toBe('403 AccessDenied')
    expect(await get({ 'x-amz-expected-bucket-owner': '' })).toBe('403 AccessDenied')
  })

  it('is the account’s id also where the owner has a canonical one', async () => {
    const theirs = (owner: string) =>
      sendRaw(test.s3Url, {
        method: 'GET',
        path: '/theirs/key',
        headers: { 'x-amz-expected-bucket-owner': owner },
        account: otherAccount,
      }).then(outcome)
    expect(await theirs(otherAccount.id)).toBe('200')
    expect(await theirs('the-other-owner')).toBe('200')
    expect(await theirs(mainAccount.id)).toBe('403 AccessDenied')
  })

  it('counts for the source of a copy too', async () => {
    const copy = (owner: string) =>
      sendRaw(test.s3Url, {
        method: 'PUT',
        path: '/mine/copy-of-owner',
        headers: { 'x-amz-copy-source': 'mine/key', 'x-amz-source-expected-bucket-owner': owner },
      }).then(outcome)
    expect(await copy(otherAccount.id)).toBe('403 AccessDenied')
    expect(await copy(mainAccount.id)).toBe('200')
    await sendRaw(test.s3Url, { method: 'DELETE', path: '/mine/copy-of-owner' })
  })
})
