import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
let rootKey: { readonly crn: string; readonly id: string }
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
  rootKey = await keys.newKey('finance')
  for (const [Bucket, count] of [
    ['small', 1],
    ['large', 3],
  ] as const) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    await keys.call('PUT', `/admin/v1/buckets/${Bucket}/encryption`, {
      ...{ encryption: 'customer-managed', rootKeyCrn: rootKey.crn },
    })
    for (let n = 0; n < count; n++) await s3.send(new PutObjectCommand({ Bucket, Key: `${n}`, Body: 'ten bytes.' }))
  }
  await s3.send(new CreateMultipartUploadCommand({ Bucket: 'large', Key: 'upload' }))
  await s3.send(new CreateBucketCommand({ Bucket: 'apart' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const ofKey = (crn: string, who = keys) =>
  who.call('GET', `/admin/v1/keys/impact?${new URLSearchParams({ crn }).toString()}`)

describe('What goes dark', () => {
  it('with a root key is told by bucket, with who would notice', async () => {
    await (await s3.send(new GetObjectCommand({ Bucket: 'large', Key: '0' }))).Body?.transformToString()
    await vi.waitFor(async () => {
      const { json } = await ofKey(rootKey.crn)
      expect(json).toMatchObject({
        rootKey: { crn: rootKey.crn, name: 'finance', state: 'active' },
        total: { buckets: 2, objects: 4, bytes: 40, uploads: 1 },
        buckets: [
          { bucket: 'large', objects: 3, bytes: 30, uploads: 1, wholly: true, current: true, etagsStay: false },
          { bucket: 'small', objects: 1, authorization: { granted: true, decidedBy: { kind: 'authorization' } } },
        ],
        hidden: 0,
        recent: { people: [{ id: mainAccount.user.iamId, buckets: expect.arrayContaining(['large', 'small']) }] },
      })
    })
    expect((await ofKey(rootKey.crn, stranger)).status).toBe(403)
    expect((await ofKey(rootKey.crn.replace(/[0-9a-f]{12}$/, '0'.repeat(12)))).json.error.code).toBe('KeyNotFound')
    expect((await ofKey('crn:v1:bluemix')).status).toBe(400)
  })

  it('with the store’s own key is told of the caller’s account alone', async () => {
    await test.client(otherAccount).send(new CreateBucketCommand({ Bucket: 'elsewhere' }))
    const [used] = (await keys.call('GET', '/admin/v1/buckets/apart/who-can-read')).json.rootKeys
    const { status, json } = await ofKey(used.crn, stranger)
    expect([status, json.buckets.map(({ bucket }: { bucket: string }) => bucket)]).toEqual([200, ['elsewhere']])
    expect(json.hidden).toBe(0)
  })

  it('with an authorization is what nothing else lets use its key', async () => {
    const { json } = await keys.call('GET', `/v1/policies?account_id=${mainAccount.id}&type=authorization`)
    const [first] = json.policies
    const impact = async (id: string, who = keys) => who.call('GET', `/admin/v1/authorizations/${id}/impact`)
    const alone = await impact(first.id)
    expect(alone.json).toMatchObject({
      ...{ authorization: first.id, total: { buckets: 2, objects: 4 }, kept: [], hidden: 0 },
      buckets: [{ bucket: 'large', rootKey: { name: 'finance' } }, { bucket: 'small' }],
    })
    expect((await impact(first.id, stranger)).json.error.code).toBe('PolicyNotFound')
    // One for this key alone lets both buckets go on.
    const [{ attributes }] = first.resources
    const resources = [{ attributes: [...attributes, { name: 'resource', value: rootKey.id }] }]
    const { subjects } = first
    const roles = first.roles.map(({ role_id }: { readonly role_id: string }) => ({ role_id }))
    const made = await keys.call('POST', '/v1/policies', { type: 'authorization', subjects, roles, resources })
    expect(made.status).toBe(201)
    const both = [await impact(first.id), await impact(made.json.id)].map((answer) => answer.json)
    expect(both.map(({ total }) => total.buckets)).toEqual([0, 0])
    expect(both.flatMap(({ kept }) => kept)).toMatchObject([
      { bucket: expect.any(String), decidedBy: { kind: 'authorization', policyId: first.id } },
      { bucket: expect.any(String), decidedBy: { kind: 'authorization', policyId: first.id } },
    ])
  })
})
