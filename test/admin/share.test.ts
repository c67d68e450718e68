import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
  await s3.send(new CreateBucketCommand({ Bucket: 'shared' }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'shared', VersioningConfiguration }))
})
afterAll(() => test[Symbol.asyncDispose]())

const share = (link: object, who = keys) => who.call('POST', '/admin/v1/share', { bucket: 'shared', ...link })

describe('A link to an object', () => {
  it('gets it for whoever has the link, and nothing else', async () => {
    const key = '2026/a b+c/ü%2F&=?.pdf'
    const first = await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: key, Body: 'first' }))
    await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: key, Body: 'second' }))
    const { status, json } = await share({ key, expiresInSeconds: 600, fileName: 'Übersicht (1).pdf' })
    expect(status).toBe(201)
    expect(json).toMatchObject({ accessKeyId: mainAccount.user.accessKeyId })
    expect(JSON.stringify(json)).not.toContain(mainAccount.user.secretAccessKey)
    const lifeMs = Date.parse(json.expiresAt) - Date.now()
    expect([lifeMs > 500_000, lifeMs <= 600_000]).toEqual([true, true])
    const got = await fetch(json.url)
    expect([got.status, await got.text()]).toEqual([200, 'second'])
    expect(got.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''%C3%9Cbersicht%20%281%29.pdf")
    expect((await fetch(json.url, { method: 'DELETE' })).status).toBe(403)
    expect((await fetch(json.url.replace('2026/', '2027/'))).status).toBe(403)
    const { VersionId: versionId = '' } = first
    const ofVersion = await share({ key, versionId })
    expect(await (await fetch(ofVersion.json.url)).text()).toBe('first')
    expect((await fetch(ofVersion.json.url.replace(versionId, 'null'))).status).toBe(403)
  })

  it('is for those who may read the object, and have an access key', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: 'k', Body: 'x' }))
    expect((await share({ key: 'k' }, stranger)).status).toBe(403)
    expect((await share({ key: 'missing' })).json.error.code).toBe('NothingToShare')
    for (const expiresInSeconds of [0, 604_801, 1.5]) {
      expect((await share({ key: 'k', expiresInSeconds })).status).toBe(400)
    }
    const name = 'without an access key'
    const made = await keys.call('POST', '/v1/serviceids', { name, account_id: mainAccount.id })
    const grant = {
      type: 'access',
      subjects: [{ attributes: [{ name: 'iam_id', value: made.json.iam_id }] }],
      roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
      resources: [
        {
          attributes: [
            { name: 'accountId', value: mainAccount.id },
            { name: 'serviceName', value: 'cloud-object-storage' },
          ],
        },
      ],
    }
    expect((await keys.call('POST', '/v1/policies', grant)).status).toBe(201)
    const apiKey = await keys.call('POST', '/v1/apikeys', {
      ...{ name, iam_id: made.json.iam_id, account_id: mainAccount.id },
    })
    const user = { ...mainAccount.user, apiKey: apiKey.json.apikey }
    const keyless = await keyOwner(test.controlUrl, { ...mainAccount, user })
    expect((await share({ key: 'k' }, keyless)).json.error.code).toBe('NoAccessKey')
  })

  it('is not for who may read it over TLS alone and asks without', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'over-tls' }))
    await s3.send(new PutObjectCommand({ Bucket: 'over-tls', Key: 'k', Body: 'x' }))
    const Condition = { Bool: { 'aws:SecureTransport': 'false' } }
    const which = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::over-tls/*' }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ ...which, Condition }] })
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'over-tls', Policy }))
    expect((await share({ bucket: 'over-tls', key: 'k' })).status).toBe(403)
    expect((await keys.call('GET', '/admin/v1/buckets/over-tls/envelope?key=k')).status).toBe(403)
  })

  it('is in the audit log before it is told', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: 'logged', Body: 'x' }))
    await share({ key: 'logged' })
    const { json } = await keys.call('GET', '/admin/v1/activity?did=admin.CreateShareLink&object=logged')
    expect(json.entries).toMatchObject([
      { outcome: 'success', iamId: mainAccount.user.iamId, said: { what: { bucket: 'shared', object: 'logged' } } },
    ])
  })
})
