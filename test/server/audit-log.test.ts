import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let directory: string
beforeAll(async () => {
  test = await startHouse()
  directory = `${test.dataDir}/audit`
})
afterAll(() => test[Symbol.asyncDispose]())

const events = () => eventsIn(directory)
/** What a request left in the log, when it is there. */
async function eventsOf(requestId: string | undefined, count: number) {
  const found = async () => (await events()).filter((event) => event['requestId'] === requestId)
  await expect.poll(found).toHaveLength(count)
  return found()
}
const requestOf = ({ $metadata }: { $metadata: { requestId?: string | undefined } }) => $metadata.requestId

describe('the audit log of a server', () => {
  it('has every use of a data key: who, what, why, which key and version, for which request', async () => {
    const client = test.client()
    const created = await client.send(new CreateBucketCommand({ Bucket: 'photos' }))
    const put = await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a b/ü.txt', Body: 'plain words' }))
    const [wrapped, metadata] = await eventsOf(requestOf(put), 2)
    expect(wrapped).toMatchObject({
      ...{ kind: 'data-key', action: 's3.PutObject', outcome: 'success', use: 'wrap', dataKey: 'object' },
      iamId: mainAccount.user.iamId,
      reason: 'role Manager',
      service: expect.stringMatching(/^crn:v1:bluemix:public:cloud-object-storage:/),
      target: expect.stringMatching(/:bucket:photos$/),
      object: 'a b/ü.txt',
      key: expect.stringMatching(/^crn:v1:bluemix:public:kms:/),
      keyVersion: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sourceIp: '127.0.0.1',
    })
    expect(metadata).toMatchObject({ use: 'unwrap', dataKey: 'bucket-metadata', action: 's3.PutObject' })
    expect(await eventsOf(requestOf(created), 1)).toMatchObject([
      { action: 's3.CreateBucket', use: 'wrap', dataKey: 'bucket-metadata' },
    ])
  })

  it('has it again when no root key was asked to unwrap: the DEK came from memory', async () => {
    const client = test.client()
    for (const command of [GetObjectCommand, GetObjectCommand, HeadObjectCommand]) {
      const reply = await client.send(new command({ Bucket: 'photos', Key: 'a b/ü.txt' }))
      const [use] = await eventsOf(requestOf(reply), 1)
      expect(use).toMatchObject({
        ...{ use: 'unwrap', dataKey: 'object', object: 'a b/ü.txt', keyVersion: expect.any(String) },
        action: command === HeadObjectCommand ? 's3.HeadObject' : 's3.GetObject',
      })
    }
    const listed = await client.send(new ListObjectsV2Command({ Bucket: 'photos' }))
    expect(await eventsOf(requestOf(listed), 1)).toMatchObject([
      { action: 's3.ListObjectsV2', use: 'unwrap', dataKey: 'bucket-metadata' },
    ])
  })

  it('has no refusal of a key that nobody asked for: how an object is sealed is told without what is not theirs', async () => {
    const keys = await keyOwner(test.controlUrl)
    expect(await keys.call('GET', '/admin/v1/buckets/photos/envelope?key=a%20b/%C3%BC.txt')).toMatchObject({
      status: 200,
      json: { encryption: 'provider-managed', rootKey: { crn: expect.any(String) } },
    })
    const { crn } = await keys.newKey('asked for afterwards')
    await expect.poll(async () => (await events()).map(({ key }) => key)).toContain(crn)
    expect((await events()).filter(({ outcome }) => outcome === 'failure')).toEqual([])
  })

  it('verifies with the public key that the control listener gives to anybody', async () => {
    const reply = await fetch(`${test.controlUrl}/audit/public-key`)
    expect(reply.status).toBe(200)
    const pem = await reply.text()
    const keys = readPublicKeys(pem)
    expect([...keys.keys()]).toEqual([reply.headers.get('x-audit-key-id')])
    const report = await verifyLog({ source: { type: 'directory', path: directory }, keys })
    expect(report.first).toBeUndefined()
    expect(report.signed?.seq).toBeGreaterThan(1)
  })
})

describe('what happens to root keys', () => {
  it('is told with the version that wraps from then on: made, imported, rotated, restored', async () => {
    await using house = await startHouse({
      settings: { COFFER_KMS_RESTORE_DELAY_MS: '0', COFFER_KMS_ROTATE_INTERVAL_MS: '0' },
    })
    const owner = await keyOwner(house.controlUrl)
    const versionOf = async (id: string) =>
      (await owner.call('GET', `/api/v2/keys/${id}/metadata`)).json.resources[0].keyVersion.id
    const expected: unknown[] = []
    const made = await owner.newKey('made')
    const imported = await owner.newKey('imported', { payload: Buffer.alloc(32, 3).toString('base64') })
    for (const { id, crn } of [made, imported]) {
      expected.push({ action: 'kms.secrets.create', key: crn, keyVersion: await versionOf(id) })
    }
    await owner.call('POST', `/api/v2/keys/${made.id}/actions/rotate`)
    const rotated = await versionOf(made.id)
    expected.push({ action: 'kms.secrets.rotate', key: made.crn, keyVersion: rotated })
    await owner.remove(made.id)
    await owner.call('POST', `/api/v2/keys/${made.id}/restore`)
    expected.push({ action: 'kms.secrets.restore', key: made.crn, keyVersion: rotated })
    const lines = (await eventsIn(`${house.dataDir}/audit`)).filter(
      ({ key }) => key === made.crn || key === imported.crn,
    )
    const versioned = lines.filter(({ action }) => /create|rotate|restore/.test(String(action)))
    expect(versioned).toEqual(expected.map((one) => expect.objectContaining({ ...Object(one), outcome: 'success' })))
  })
})

describe('calls of the administration API', () => {
  it('are recorded with who, from where and which bucket, done or refused', async () => {
    await using house = await startHouse({
      accounts: [mainAccount, otherAccount],
      settings: { COFFER_TRUSTED_PROXIES: '127.0.0.0/8' },
    })
    await house.client().send(new CreateBucketCommand({ Bucket: 'moving' }))
    const ask = async (apiKey: string, method: string, path: string, body?: object) => {
      const token = await iamToken(house.controlUrl, apiKey)
      const reply = await fetch(`${house.controlUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-forwarded-for': '192.0.2.7',
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      return reply.status
    }
    const path = '/admin/v1/buckets/moving/encryption'
    const wanted = { encryption: 'provider-managed', bucketKey: true }
    expect(await ask(otherAccount.user.apiKey, 'PUT', path, wanted)).toBe(403)
    expect(await ask(mainAccount.user.apiKey, 'PUT', path, wanted)).toBe(202)
    expect(await ask(mainAccount.user.apiKey, 'PUT', path, wanted)).toBe(200)
    expect(await ask(mainAccount.user.apiKey, 'GET', '/admin/v1/buckets')).toBe(200)
    expect(await ask(otherAccount.user.apiKey, 'POST', '/v1/policies', {})).toBe(400)
    const all = async () =>
      (await eventsIn(`${house.dataDir}/audit`)).filter(({ sourceIp }) => sourceIp === '192.0.2.7')
    await expect.poll(async () => (await all()).map(({ action }) => action)).toContain('iam.policy.create')
    const told = (await all()).filter(({ action }) => /^admin|^iam.policy/.test(String(action)))
    const target = expect.stringMatching(/:bucket:moving$/)
    expect(told).toEqual([
      expect.objectContaining({
        ...{ kind: 'activity', action: 'admin.MoveBucket', outcome: 'failure', code: 'NotPermitted', target },
        iamId: otherAccount.user.iamId,
      }),
      ...told.filter(({ kind }) => kind === 'data-key'),
      expect.objectContaining({
        ...{ kind: 'activity', action: 'admin.MoveBucket', outcome: 'success', target },
        ...{ iamId: mainAccount.user.iamId, requestId: expect.any(String) },
      }),
      expect.objectContaining({ kind: 'activity', action: 'admin.KeepEncryption', outcome: 'success', target }),
      expect.objectContaining({ kind: 'iam', action: 'iam.policy.create', outcome: 'failure' }),
    ])
  })
})
