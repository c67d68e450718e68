import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
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
  await s3.send(new CreateBucketCommand({ Bucket: 'asked' }))
  await s3.send(new PutObjectCommand({ Bucket: 'asked', Key: 'k', Body: 'x' }))
  const Statement = [
    {
      ...{ Sid: 'office', Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::asked/*' },
      Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
    },
  ]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'asked', Policy }))
})
afterAll(() => test[Symbol.asyncDispose]())

const simulate = (question: object, who = keys) => who.call('POST', '/admin/v1/simulate', question)

describe('A simulated request', () => {
  it('changes nothing, so that it is no line of the audit log', async () => {
    expect((await simulate({ action: 's3:GetObject', resource: 'asked/k' })).status).toBe(200)
    await s3.send(new PutObjectCommand({ Bucket: 'asked', Key: 'later', Body: 'x' }))
    const lines = async (): Promise<readonly { readonly action: string; readonly object?: string }[]> =>
      (await keys.call('GET', '/admin/v1/activity?did=admin.*,s3.PutObject')).json.entries
    await expect.poll(async () => (await lines()).some(({ object }) => object === 'later')).toBe(true)
    expect((await lines()).filter(({ action }) => action.startsWith('admin.'))).toEqual([])
  })

  it('is decided as the request would be, and told what decided', async () => {
    const question = { action: 's3:GetObject', resource: 'arn:aws:s3:::asked/k' }
    const outside = await simulate({ ...question, context: { sourceIp: '203.0.113.1' } })
    expect(outside.json).toMatchObject({
      principal: { id: mainAccount.user.iamId, kind: 'user' },
      allowed: false,
      decisions: [{ action: 's3:GetObject', decidedBy: { kind: 'bucket-policy', name: 'office' } }],
    })
    const inside = await simulate({ ...question, context: { sourceIp: '192.0.2.7' } })
    expect(inside.json).toMatchObject({ allowed: true, decisions: [{ decidedBy: { kind: 'role', role: 'Manager' } }] })
    const anybody = await simulate({ ...question, principal: 'anonymous', context: { sourceIp: '192.0.2.7' } })
    expect(anybody.json).toMatchObject({ allowed: false, decisions: [{ reason: 'anonymous' }] })
    // A name of IBM's stands for several actions of S3.
    const named = await simulate({ action: 'cloud-object-storage.object.get', resource: 'asked/k' })
    expect(named.json).toMatchObject({ allowed: false, decisions: [{ allowed: false }, { allowed: true }] })
  })

  it('may be one of a key or of an identity, by a user or a service', async () => {
    const { crn } = await keys.newKey('asked')
    const wrapping = { action: 'kms.secrets.unwrap', resource: crn, principal: objectStorageCrn(mainAccount) }
    expect((await simulate(wrapping)).json).toMatchObject({
      ...{ principal: { kind: 'service' }, allowed: true },
      decisions: [{ decidedBy: { kind: 'authorization' } }],
    })
    expect((await simulate({ ...wrapping, action: 'kms.secrets.disable' })).json.allowed).toBe(false)
    expect((await simulate({ action: 'kms.secrets.disable', resource: crn })).json.allowed).toBe(true)
    expect((await simulate({ action: 'iam.policy.create' })).json.allowed).toBe(true)
    expect((await simulate({ action: 's3:CreateBucket' })).json.allowed).toBe(true)
  })

  it('may be one of handing out rights on an instance, which whoever administers that may', async () => {
    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'of-keys' })
    const principal = made.json.iam_id
    const keyProtect = `crn:v1:bluemix:public:kms:us-south:a/${mainAccount.id}:${mainAccount.keyProtectInstance}::`
    const onKeys = { action: 'iam.policy.create', principal, resource: keyProtect }
    expect((await simulate(onKeys)).json.allowed).toBe(false)
    const granted = await keys.call('POST', '/v1/policies', {
      type: 'access',
      subjects: [{ attributes: [{ name: 'iam_id', value: principal }] }],
      roles: [{ role_id: 'crn:v1:bluemix:public:iam::::role:Administrator' }],
      resources: [
        {
          attributes: [
            { name: 'accountId', value: mainAccount.id },
            { name: 'serviceName', value: 'kms' },
            { name: 'serviceInstance', value: mainAccount.keyProtectInstance },
          ],
        },
      ],
    })
    expect(granted.status).toBe(201)
    expect((await simulate(onKeys)).json.allowed).toBe(true)
    expect((await simulate({ ...onKeys, resource: objectStorageCrn(mainAccount) })).json.allowed).toBe(false)
    expect((await simulate({ action: 'iam.policy.create', principal })).json.allowed).toBe(false)
    const elsewhere = keyProtect.replace(mainAccount.id, 'f'.repeat(32))
    expect((await simulate({ ...onKeys, resource: elsewhere })).status).toBe(400)
  })

  it('is nothing that others could learn by', async () => {
    const question = { action: 's3:GetObject', resource: 'asked/k' }
    const own = await simulate(question, stranger)
    expect(own.json).toMatchObject({ allowed: false, decisions: [{ action: 's3:GetObject', allowed: false }] })
    expect(own.json.decisions[0].reason).toBeUndefined()
    const versioned = { action: 's3:GetObjectVersion', versionId: 'null' }
    const [there, missing] = await Promise.all([
      simulate({ ...versioned, resource: 'asked/k' }, stranger),
      simulate({ ...versioned, resource: 'asked/missing' }, stranger),
    ])
    expect([there.status, missing]).toEqual([200, there])
    for (const more of [{ principal: 'anonymous' }, { context: { sourceIp: '192.0.2.7' } }]) {
      expect((await simulate({ ...question, ...more }, stranger)).status).toBe(403)
    }
    expect((await simulate({ ...question, principal: mainAccount.user.iamId }, stranger)).status).toBe(400)
  })

  it('needs an action, a resource and somebody whom there are', async () => {
    for (const question of [
      { action: 's3:Nonsense', resource: 'asked' },
      { action: 'kms.secrets.disable' },
      { action: 'kms.secrets.disable', resource: 'crn:v1' },
      { action: 's3:GetObject', resource: 'asked/k', principal: 'nobody' },
      { action: 's3:GetObject', resource: 'asked/k', more: 1 },
    ]) {
      expect((await simulate(question)).status).toBe(400)
    }
    expect((await simulate({ action: 's3:GetObject', resource: 'nowhere/k' })).status).toBe(404)
  })
})
