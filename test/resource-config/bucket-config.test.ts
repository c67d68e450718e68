import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { type BucketConfigClient, bucketConfigClient, sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'

const TRACKER = `crn:v1:bluemix:public:logdnaat:us-south:a/${mainAccount.id}:11111111-0000-4000-8000-00000000000a::`

let test: TestHouse
let config: BucketConfigClient
let token: string
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  config = await bucketConfigClient(test.controlUrl, mainAccount.user.apiKey)
  token = await iamToken(test.controlUrl)
})
afterAll(() => test[Symbol.asyncDispose]())

let made = 0
async function newBucket(): Promise<string> {
  const bucket = `configured-${++made}`
  await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
  return bucket
}
const send = (bucket: string, patch?: unknown, headers?: Readonly<Record<string, string>>) =>
  sendConfig(test.controlUrl, bucket, token, { patch, ...(headers ? { headers } : {}) })
const told = async (bucket: string) => (await send(bucket)).body

describe('ibm-cos-sdk-config', () => {
  it('reads what a bucket is and holds', async () => {
    const bucket = await newBucket()
    await test.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: '12345' }))
    await test.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'b', Body: '678' }))
    await test.client().send(new DeleteObjectCommand({ Bucket: bucket, Key: 'b' }))
    const { status, headers, data: body } = await config.getBucketConfig({ bucket })
    expect(status).toBe(200)
    expect(headers['etag']).toMatch(/^".+"$/)
    const crn = objectStorageCrn(mainAccount)
    expect(body).toEqual({
      name: bucket,
      crn: `${crn.slice(0, -1)}bucket:${bucket}`,
      service_instance_id: mainAccount.objectStorageInstance,
      service_instance_crn: crn,
      time_created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      time_updated: body.time_created,
      object_count: 1,
      bytes_used: 5,
      noncurrent_object_count: 0,
      noncurrent_bytes_used: 0,
      delete_marker_count: 0,
    })
  })

  it('reads how many versions are not current, and how many delete markers there are', async () => {
    const Bucket = await newBucket()
    const s3 = test.client()
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    for (const Body of ['1', '22', '333']) await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }))
    const counted = { object_count: 3, bytes_used: 6, noncurrent_object_count: 2, noncurrent_bytes_used: 3 }
    expect(await told(Bucket)).toMatchObject({ ...counted, delete_marker_count: 0 })
    const { VersionId = '' } = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
    const hidden = { ...counted, noncurrent_object_count: 3, noncurrent_bytes_used: 6 }
    expect(await told(Bucket)).toMatchObject({ ...hidden, delete_marker_count: 1 })
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }))
    expect(await told(Bucket)).toMatchObject({ ...counted, delete_marker_count: 0 })
  })

  it('sets the firewall, activity tracking and metrics, and reads them again', async () => {
    const bucket = await newBucket()
    const groups = {
      firewall: { allowed_ip: ['127.0.0.1', '2001:db8::/32'] },
      activity_tracking: { read_data_events: true, write_data_events: true, activity_tracker_crn: TRACKER },
      metrics_monitoring: { usage_metrics_enabled: true, metrics_monitoring_crn: TRACKER },
    }
    const changed = await config.updateBucketConfig({ bucket, ...groups })
    expect([changed.status, changed.data]).toEqual([204, ''])
    const { headers, data: body } = await config.getBucketConfig({ bucket })
    expect(body).toMatchObject(groups)
    expect(headers['etag']).toBe(changed.headers['etag'])
    expect(Date.parse(body.time_updated)).toBeGreaterThanOrEqual(Date.parse(body.time_created))
  })

  it('changes what it has seen, and nothing else', async () => {
    const bucket = await newBucket()
    const seen = (await config.getBucketConfig({ bucket })).headers['etag']
    const change = (if_match: unknown) =>
      config.updateBucketConfig({ bucket, if_match, activity_tracking: { read_data_events: true } })
    expect((await change(seen)).status).toBe(204)
    await expect(change(seen)).rejects.toMatchObject({ code: 412 })
    expect((await change((await config.getBucketConfig({ bucket })).headers['etag'])).status).toBe(204)
  })

  it('is told what is wrong', async () => {
    const bucket = await newBucket()
    await expect(config.getBucketConfig({ bucket: 'no-such-bucket' })).rejects.toMatchObject({ code: 404 })
    const bad = config.updateBucketConfig({ bucket, firewall: { allowed_ip: ['nowhere'] } })
    await expect(bad).rejects.toMatchObject({ code: 400, message: expect.stringContaining('firewall.allowed_ip[0]') })
    const stranger = await bucketConfigClient(test.controlUrl, otherAccount.user.apiKey)
    await expect(stranger.getBucketConfig({ bucket })).rejects.toMatchObject({ code: 403 })
    await expect(stranger.updateBucketConfig({ bucket, firewall: {} })).rejects.toMatchObject({ code: 403 })
  })
})

describe('a patch', () => {
  it('replaces lists, keeps what it does not name, and removes what is null', async () => {
    const bucket = await newBucket()
    await send(bucket, { hard_quota: 10, firewall: { allowed_ip: ['127.0.0.0/8', '::1'], denied_ip: ['192.0.2.1'] } })
    await send(bucket, { firewall: { allowed_ip: ['127.0.0.1'] } })
    expect(await told(bucket)).toMatchObject({
      hard_quota: 10,
      firewall: { allowed_ip: ['127.0.0.1'], denied_ip: ['192.0.2.1'] },
    })
    await send(bucket, {
      firewall: { denied_ip: null, allowed_ip: [] },
      activity_tracking: { management_events: true },
    })
    expect((await told(bucket)).firewall).toEqual({ allowed_ip: [] })
    await send(bucket, { hard_quota: null, firewall: null })
    expect(await told(bucket)).not.toHaveProperty('hard_quota')
    expect(await told(bucket)).not.toHaveProperty('firewall')
    expect((await told(bucket)).activity_tracking).toEqual({ management_events: true })
  })

  it('takes every member that there is', async () => {
    const bucket = await newBucket()
    const everything = {
      hard_quota: 2 ** 53 - 1,
      firewall: { allowed_ip: ['127.0.0.1'], denied_ip: [], allowed_network_type: ['private', 'public', 'direct'] },
      activity_tracking: {
        ...{ read_data_events: true, write_data_events: false, management_events: true },
        activity_tracker_crn: TRACKER,
      },
      metrics_monitoring: {
        ...{ usage_metrics_enabled: false, request_metrics_enabled: true },
        metrics_monitoring_crn: TRACKER,
      },
    }
    const { status, etag } = await send(bucket, everything)
    expect(status).toBe(204)
    expect(await told(bucket)).toMatchObject(everything)
    expect((await send(bucket)).etag).toBe(etag)
    await send(bucket, { hard_quota: 0 })
    expect(await told(bucket)).not.toHaveProperty('hard_quota')
  })

  it('of nothing changes nothing, and minds if-match', async () => {
    const bucket = await newBucket()
    const { etag } = await send(bucket)
    expect(await send(bucket, {})).toMatchObject({ status: 204, etag })
    expect(await send(bucket, {}, { 'if-match': '"other"' })).toMatchObject({
      status: 412,
      code: 'precondition_failed',
    })
  })

  it.each([
    ['no object', '[]'],
    ['no JSON', '{'],
    ['null', 'null'],
    ['nothing', ''],
    ['a member that is not known', { colour: 'red' }],
    ['a member that is counted', { bytes_used: 0 }],
    ['a member that cannot change', { name: 'other' }],
    ['protection management', { protection_management: { requested_state: 'activate' } }],
    ['a quota below zero', { hard_quota: -1 }],
    ['a quota of half a byte', { hard_quota: 0.5 }],
    ['a quota in words', { hard_quota: '5' }],
    ['a quota that no number holds', '{"hard_quota":9007199254740993}'],
    ['a firewall that is a list', { firewall: [] }],
    ['a member of the firewall that is not known', { firewall: { allowed_ips: [] } }],
    ['addresses outside a list', { firewall: { allowed_ip: '127.0.0.1' } }],
    ['no address', { firewall: { allowed_ip: ['300.0.0.1'] } }],
    ['a prefix that is too long', { firewall: { denied_ip: ['192.0.2.0/33'] } }],
    ['null in a list', { firewall: { denied_ip: [null] } }],
    ['1001 networks', { firewall: { allowed_ip: Array.from({ length: 1001 }, () => '127.0.0.1') } }],
    ['a network type that is not known', { firewall: { allowed_network_type: ['secret'] } }],
    ['an event flag that is no flag', { activity_tracking: { read_data_events: 'yes' } }],
    ['a tracker without a CRN', { activity_tracking: { activity_tracker_crn: 'tracker' } }],
    ['metrics without a CRN', { metrics_monitoring: { metrics_monitoring_crn: '' } }],
  ])('is refused as a whole with %s', async (_, patch) => {
    const bucket = await newBucket()
    const { etag } = await send(bucket)
    const wrong =
      typeof patch === 'string' ? patch : { ...patch, metrics_monitoring: { ...Object(patch).metrics_monitoring } }
    const refused = await send(bucket, wrong)
    expect([refused.status, refused.code]).toEqual([400, 'bad_request'])
    expect(refused.body).toEqual({
      errors: [{ code: 'bad_request', message: expect.any(String) }],
      trace: expect.any(String),
      status_code: 400,
    })
    expect((await send(bucket)).etag).toBe(etag)
  })

  it('of the size that two full lists need is taken', async () => {
    const bucket = await newBucket()
    const networks = Array.from({ length: 1000 }, (_, at) => `2001:db8:1111:2222:3333:4444:${at.toString(16)}:0/128`)
    expect((await send(bucket, { firewall: { allowed_ip: networks, denied_ip: networks } })).status).toBe(204)
    expect((await told(bucket)).firewall).toEqual({ allowed_ip: networks, denied_ip: networks })
  })

  it('with one ETag succeeds once, however many there are at a time', async () => {
    const bucket = await newBucket()
    const { etag } = await send(bucket)
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, at) => send(bucket, { hard_quota: at + 1 }, { 'if-match': etag })),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([204, ...Array.from({ length: 7 }, () => 412)])
  })
})

describe('the configuration of a bucket', () => {
  it('takes a token, and the methods that there are', async () => {
    const bucket = await newBucket()
    expect(await sendConfig(test.controlUrl, bucket, undefined)).toMatchObject({ status: 401, code: 'invalid_token' })
    expect(await sendConfig(test.controlUrl, bucket, 'x.y.z')).toMatchObject({ status: 401, code: 'invalid_token' })
    const reply = await fetch(`${test.controlUrl}/v1/b/${bucket}`, { method: 'DELETE' })
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, expect.stringContaining('PATCH')])
  })

  it('is not that of the next bucket of the name', async () => {
    const bucket = await newBucket()
    const { etag } = await send(bucket, { hard_quota: 1 })
    await test.client().send(new DeleteBucketCommand({ Bucket: bucket }))
    expect((await send(bucket)).status).toBe(404)
    await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
    expect(await told(bucket)).not.toHaveProperty('hard_quota')
    expect(await send(bucket, { hard_quota: 2 }, { 'if-match': etag })).toMatchObject({ status: 412 })
  })
})
