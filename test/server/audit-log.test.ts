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
import { startHouse, type TestHouse } from '../support/house.ts'

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
