import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsIn } from '../support/audit-log.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { sendPlain } from '../support/send.ts'

let test: TestHouse
let token: string
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  token = await iamToken(test.controlUrl)
})
afterAll(() => test[Symbol.asyncDispose]())

let made = 0
async function newBucket(tracking?: object): Promise<string> {
  const bucket = `tracked-${++made}`
  await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
  if (tracking) await configure(bucket, { activity_tracking: tracking })
  return bucket
}
const configure = (bucket: string, patch?: object) => sendConfig(test.controlUrl, bucket, token, { patch })

const activities = async () => (await eventsIn(`${test.dataDir}/audit`)).filter(({ kind }) => kind === 'activity')
/** What the log tells of a bucket, all that was recorded before included. */
async function toldOf(bucket: string): Promise<readonly string[]> {
  await configure(bucket, { activity_tracking: {} })
  const all = (await activities()).filter(({ target }) => String(target).endsWith(`:bucket:${bucket}`))
  return all.map(({ action }) => String(action)).filter((action) => action !== 'cos.UpdateBucketConfig')
}

async function useAll(bucket: string): Promise<void> {
  const client = test.client()
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'x' }))
  await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a' })).then(({ Body }) => Body?.transformToString())
  await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'a' }))
  await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  await client.send(new HeadBucketCommand({ Bucket: bucket }))
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a' }))
  await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'b' }] } }))
  await configure(bucket)
}
const READS = ['s3.GetObject', 's3.HeadObject', 's3.ListObjectsV2']
const WRITES = ['s3.PutObject', 's3.DeleteObject', 's3.DeleteObjects']

describe('activity tracking', () => {
  it('tells nothing until it is asked to', async () => {
    const bucket = await newBucket()
    await useAll(bucket)
    expect(await toldOf(bucket)).toEqual([])
  })

  it.each([
    ['read_data_events', READS],
    ['write_data_events', WRITES],
    ['management_events', ['s3.HeadBucket', 'cos.GetBucketConfig']],
  ])('tells of what %s asks for, until it is asked no more', async (member, expected) => {
    const bucket = await newBucket({ [member]: true })
    await useAll(bucket)
    expect(await toldOf(bucket)).toEqual(expected)
    await configure(bucket, { activity_tracking: { [member]: false } })
    await useAll(bucket)
    expect(await toldOf(bucket)).toEqual(expected)
  })

  it('says who did what to which object, from where, and by what right', async () => {
    const bucket = await newBucket({ write_data_events: true })
    const sent = await test.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'a b/ü', Body: 'x' }))
    await toldOf(bucket)
    const event = (await activities()).find(({ requestId }) => requestId === sent.$metadata.requestId)
    expect(event).toMatchObject({
      ...{ kind: 'activity', action: 's3.PutObject', outcome: 'success', object: 'a b/ü', sourceIp: '127.0.0.1' },
      iamId: mainAccount.user.iamId,
      reason: 'role Manager',
      target: expect.stringMatching(new RegExp(`^crn:v1:.*:bucket:${bucket}$`)),
    })
  })

  it('tells the bucket that is copied from and the one that is copied to, each of its own', async () => {
    const source = await newBucket({ read_data_events: true })
    const target = await newBucket({ write_data_events: true })
    await test.client().send(new PutObjectCommand({ Bucket: source, Key: 'from', Body: 'x' }))
    await test.client().send(new CopyObjectCommand({ Bucket: target, Key: 'to', CopySource: `${source}/from` }))
    expect(await toldOf(source)).toEqual(['s3.CopyObject'])
    expect(await toldOf(target)).toEqual(['s3.CopyObject'])
    const objects = (await activities()).filter(({ action }) => action === 's3.CopyObject').map(({ object }) => object)
    expect(objects.sort()).toEqual(['from', 'to'])
  })

  it('tells of those who were refused, by whom and why, but not of those whom nobody knows', async () => {
    const bucket = await newBucket({ read_data_events: true })
    await sendRaw(test.s3Url, { method: 'GET', path: `/${bucket}/a` })
    await sendRaw(test.s3Url, { method: 'GET', path: `/${bucket}/a`, account: otherAccount })
    await sendPlain(test.s3Url, { method: 'GET', target: `/${bucket}/a` })
    await toldOf(bucket)
    const events = (await activities()).filter(
      ({ target, object }) => String(target).endsWith(bucket) && object === 'a',
    )
    expect(events.map(({ iamId, outcome, code }) => [iamId, outcome, code])).toEqual([
      ['IBMid-main', 'failure', 'NoSuchKey'],
      ['IBMid-other', 'failure', 'AccessDenied'],
    ])
  })

  it('tells of the end of the bucket', async () => {
    const bucket = await newBucket({ management_events: true })
    await test.client().send(new DeleteBucketCommand({ Bucket: bucket }))
    const found = async () =>
      (await activities()).filter(
        ({ action, target }) => action === 's3.DeleteBucket' && String(target).endsWith(bucket),
      )
    await expect.poll(found).toHaveLength(1)
  })

  it('is itself told of, whatever it says: every change and every refused one', async () => {
    const bucket = await newBucket()
    await configure(bucket, { hard_quota: 5 })
    await configure(bucket, { hard_quota: -5 })
    await sendConfig(test.controlUrl, bucket, await iamToken(test.controlUrl, otherAccount.user.apiKey), {
      patch: { firewall: null },
    })
    await sendConfig(test.controlUrl, bucket, undefined, { patch: { firewall: null } })
    const events = async () =>
      (await activities()).filter(
        ({ action, target }) => action === 'cos.UpdateBucketConfig' && String(target).endsWith(`:${bucket}`),
      )
    // A refused one may be written a moment later.
    await expect.poll(events).toHaveLength(3)
    expect((await events()).map(({ iamId, outcome, code }) => [iamId, outcome, code])).toEqual([
      ['IBMid-main', 'success', undefined],
      ['IBMid-main', 'failure', 'BodyInvalid'],
      ['IBMid-other', 'failure', 'NotPermitted'],
    ])
  })
})
