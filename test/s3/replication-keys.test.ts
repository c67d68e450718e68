import { writeFile } from 'node:fs/promises'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bootstrapOf, mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { head, isDone, PATIENCE, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const COPIER = {
  iamId: 'IBMid-copier',
  accessKeyId: 'TESTCOPIERACCESSKEY1',
  secretAccessKey: 'secret-of-the-copier-0123456789abcdefghi',
}

let directory: TemporaryDirectory
let test: TestHouse
beforeAll(async () => {
  directory = await temporaryDirectory()
  const document = JSON.parse(JSON.stringify(bootstrapOf([mainAccount])))
  const { iamId, ...hmac } = COPIER
  document.accounts[0].users.push({
    ...{ iamId, name: 'copier', email: 'copier@example.com', hmac: [hmac], apiKeys: ['api key of the copier'] },
    roles: { 'cloud-object-storage': 'Manager', kms: null, iam: null },
  })
  const path = directory.join('identities.json')
  await writeFile(path, JSON.stringify(document))
  test = await startHouse({ directory: directory.path, settings: { COFFER_BOOTSTRAP_FILE: path } })
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

it('Replicas come under the key of a rule only as long as who made it may use that key', async () => {
  const s3 = test.client()
  const keys = await keyOwner(test.controlUrl)
  const key = await keys.newKey('of replicas')
  const attributes = { accountId: mainAccount.id, serviceName: 'kms' }
  const { json: policy, status } = await keys.call('POST', '/v1/policies', {
    type: 'access',
    subjects: [{ attributes: [{ name: 'iam_id', value: COPIER.iamId }] }],
    roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
    resources: [{ attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })) }],
  })
  expect(status).toBe(201)
  for (const bucket of ['from-here', 'to-there']) await versioned(s3, bucket)
  const copier = test.client(mainAccount, { credentials: COPIER })
  const Bucket = 'arn:aws:s3:::to-there'
  await replicate(
    copier,
    'from-here',
    rule(Bucket, {
      SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
      Destination: { Bucket, EncryptionConfiguration: { ReplicaKmsKeyID: key.crn } },
    }),
  )
  const put = (Key: string, more = {}) =>
    s3.send(new PutObjectCommand({ Bucket: 'from-here', Key, Body: 'x', ...more }))
  const wrapped = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key.crn }
  await put('before', wrapped)
  await isDone(s3, 'from-here', 'before')
  expect(await head(s3, 'to-there', 'before')).toMatchObject({ SSEKMSKeyId: key.crn })
  expect((await keys.call('DELETE', `/v1/policies/${policy.id}`)).status).toBe(204)
  await put('after', wrapped)
  await put('plain')
  await isDone(s3, 'from-here', 'plain')
  await expect.poll(() => statusOf(s3, 'from-here', 'after'), PATIENCE).toBe('FAILED')
})
