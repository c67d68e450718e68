import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type ControlAnswer, type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
beforeAll(async () => {
  test = await startHouse({
    accounts: [mainAccount, otherAccount],
    settings: { COFFER_REWRAP_PER_SECOND: '0', COFFER_REWRAP_AUTOMATIC: 'true' },
  })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
})
afterAll(() => test[Symbol.asyncDispose]())

const bucketUnder = async (name: string, crn?: string): Promise<void> => {
  const command = new CreateBucketCommand({ Bucket: name })
  if (crn !== undefined) {
    command.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { headers: Record<string, string> }
        request.headers['ibm-sse-kp-encryption-algorithm'] = 'AES256'
        request.headers['ibm-sse-kp-customer-root-key-crn'] = crn
        return next(args)
      },
      { step: 'build' },
    )
  }
  await s3.send(command)
}
const fill = async (Bucket: string, count: number): Promise<void> => {
  for (let at = 0; at < count; at++) await s3.send(new PutObjectCommand({ Bucket, Key: `k${at}`, Body: `body ${at}` }))
}
const readAll = async (Bucket: string, count: number): Promise<void> => {
  for (let at = 0; at < count; at++) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `k${at}` }))
    expect(await Body?.transformToString()).toBe(`body ${at}`)
  }
}
const usage = (crn: string, who = keys): Promise<ControlAnswer> =>
  who.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(crn)}`)
const jobOf = async (bucket: string) => {
  const { json } = await keys.call('GET', '/admin/v1/jobs')
  return json.jobs.find((job: { bucket: string }) => job.bucket === bucket)
}
const done = (bucket: string) =>
  vi.waitFor(async () => expect(await jobOf(bucket)).toMatchObject({ state: 'done' }), {
    timeout: 20_000,
    interval: 50,
  })
const move = (bucket: string, to: object, who = keys) => who.call('PUT', `/admin/v1/buckets/${bucket}/encryption`, to)

describe('What a root key is used for', () => {
  it('is told by version and bucket, and follows a rotation by itself', async () => {
    const key = await keys.newKey('rotated')
    await bucketUnder('rotated', key.crn)
    await fill('rotated', 20)
    const before = await usage(key.crn)
    expect(before.status).toBe(200)
    expect(before.json.versions).toMatchObject([{ objects: 20, bytes: 130, uploads: 0, metadataKeys: 1 }])
    const { keyVersion } = before.json.versions[0]
    expect(before.json.wrapBudgets).toMatchObject([{ keyVersion, state: 'below' }])
    // Those of the objects, of the bucket metadata key and of the canary.
    expect(before.json.wrapBudgets[0].wraps).toBeGreaterThanOrEqual(22)
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: 'rotated' }))
    await keys.act(key.id, 'rotate')
    await done('rotated')
    const after = await usage(key.crn)
    expect(after.json.versions).toMatchObject([{ objects: 20, bytes: 130, metadataKeys: 1 }])
    expect(after.json.versions[0].keyVersion).not.toBe(before.json.versions[0].keyVersion)
    expect((await s3.send(new ListObjectsV2Command({ Bucket: 'rotated' }))).Contents).toEqual(listed.Contents)
    await readAll('rotated', 20)
    expect((await keys.call('GET', '/admin/v1/buckets/rotated/usage')).json).toEqual({
      ...{ bucket: 'rotated', objects: 20, bytes: 130, uploads: 0 },
    })
  })

  it('is not told of a name that no key has', async () => {
    const key = await keys.newKey('spelt')
    expect((await usage(key.crn)).json).toMatchObject({ rootKeyCrn: key.crn, versions: [], buckets: [] })
    const missing = await usage(key.crn.replace(key.id, '00000000-0000-4000-8000-000000000000'))
    expect(missing).toMatchObject({ status: 404, json: { error: { code: 'KeyNotFound' } } })
    expect((await usage(key.crn.replace(key.id, key.id.toUpperCase()))).status).toBe(404)
    expect((await usage(key.crn.replace(':key:', ':policy:'))).status).toBe(400)
    expect((await usage(key.crn.replace(key.id, ''))).status).toBe(400)
    expect((await usage(key.crn.replace(':kms:', ':cloud-object-storage:'))).status).toBe(400)
    expect((await usage('crn:v1:bluemix')).status).toBe(400)
  })

  it('is nothing of a stranger', async () => {
    const key = await keys.newKey('private')
    await bucketUnder('private', key.crn)
    expect((await usage(key.crn, stranger)).status).toBe(403)
    expect((await stranger.call('GET', '/admin/v1/buckets/private/usage')).status).toBe(403)
    expect((await stranger.call('POST', '/admin/v1/buckets/private/rewrap')).status).toBe(403)
    expect((await stranger.call('GET', '/admin/v1/jobs')).json).toEqual({ jobs: [] })
    const other = await stranger.newKey('mine')
    const to = { encryption: 'customer-managed', rootKeyCrn: other.crn }
    expect((await move('private', to, stranger)).status).toBe(403)
    const anonymous = await fetch(`${test.controlUrl}/admin/v1/jobs`)
    expect(anonymous.status).toBe(401)
  })

  it('equals a recount', async () => {
    expect((await stranger.call('POST', '/admin/v1/usage/recount')).status).toBe(403)
    const { status, json } = await keys.call('POST', '/admin/v1/usage/recount')
    expect(status).toBe(200)
    expect(json).toMatchObject({ exact: true, differences: [], repaired: false })
  })
})

describe('Moving a bucket', () => {
  it('from one key to another lets the first be deleted', async () => {
    const [from, to] = [await keys.newKey('from'), await keys.newKey('to')]
    await bucketUnder('moving', from.crn)
    await fill('moving', 30)
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: 'moving', Key: 'upload' }))
    const answer = await move('moving', { encryption: 'customer-managed', rootKeyCrn: to.crn })
    expect(answer.status).toBe(202)
    expect(answer.json).toMatchObject({ bucket: 'moving', rootKeyCrn: to.crn, job: { state: 'running' } })
    await done('moving')
    expect(await keys.registrations(from.id)).toEqual([])
    expect(await keys.registrations(to.id)).toEqual([`${objectStorageCrn(mainAccount).slice(0, -2)}:bucket:moving`])
    // Without force: nothing protects anything any more.
    expect((await keys.call('DELETE', `/api/v2/keys/${from.id}`)).status).toBeLessThan(300)
    await readAll('moving', 30)
    const part = { Bucket: 'moving', Key: 'upload', UploadId, PartNumber: 1 }
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: 'part' }))
    const Parts = [{ PartNumber: 1, ETag }]
    await s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts } }))
    expect((await move('moving', { encryption: 'customer-managed', rootKeyCrn: to.crn })).status).toBe(200)
  })

  it('to a customer and back to the store, with or without a bucket key', async () => {
    const key = await keys.newKey('customer')
    await bucketUnder('there-and-back')
    await fill('there-and-back', 10)
    for (const bucketKey of [false, true]) {
      await move('there-and-back', { encryption: 'customer-managed', rootKeyCrn: key.crn, bucketKey })
      await done('there-and-back')
      const { json } = await usage(key.crn)
      expect(json.versions).toMatchObject([{ objects: 10, bucketKeys: bucketKey ? 1 : 0 }])
      await readAll('there-and-back', 10)
      await move('there-and-back', { encryption: 'provider-managed', bucketKey })
      await done('there-and-back')
      expect((await usage(key.crn)).json.versions).toEqual([])
      expect(await keys.registrations(key.id)).toEqual([])
    }
    await s3.send(new HeadBucketCommand({ Bucket: 'there-and-back' }))
    await readAll('there-and-back', 10)
  })

  it('needs a bucket, a key that the caller may see, and one that may be used', async () => {
    const key = await keys.newKey('wanted')
    await bucketUnder('staying')
    const to = (rootKeyCrn: string) => ({ encryption: 'customer-managed', rootKeyCrn })
    expect((await move('nowhere', to(key.crn))).status).toBe(404)
    expect((await move('staying', to('crn:v1'))).status).toBe(400)
    expect((await move('staying', to(key.crn.replace(':us-south:', ':eu-de:')))).status).toBe(400)
    expect((await move('staying', to((await stranger.newKey('foreign')).crn))).json.error.code).toMatch(
      /^(KeyAccessDenied|RootKeyNotFound)$/,
    )
    expect((await move('staying', { encryption: 'none' })).status).toBe(400)
    expect((await move('staying', { ...to(key.crn), more: 1 })).status).toBe(400)
    await keys.act(key.id, 'disable')
    expect((await move('staying', to(key.crn))).json.error.code).toBe('RootKeyDisabled')
    expect(await keys.registrations(key.id)).toEqual([])
    expect((await usage(key.crn)).json.versions).toEqual([])
  })
})

describe('Rewrapping on demand', () => {
  it('is begun, paused and resumed', async () => {
    await bucketUnder('demanded')
    await fill('demanded', 3)
    for (const act of ['/pause', '/resume', '/cancel']) {
      expect((await keys.call('POST', `/admin/v1/buckets/demanded/rewrap${act}`)).json.error.code).toBe('NoSuchRewrap')
    }
    const { status, json } = await keys.call('POST', '/admin/v1/buckets/demanded/rewrap')
    expect([status, json.job.bucket]).toEqual([202, 'demanded'])
    await done('demanded')
    expect(await jobOf('demanded')).toMatchObject({ examined: 3, rewrapped: 0, finishedAt: expect.any(String) })
    expect((await keys.call('POST', '/admin/v1/buckets/demanded/rewrap/pause')).json.job.state).toBe('done')
    expect((await keys.call('POST', '/admin/v1/buckets/demanded/rewrap/cancel')).json.job.state).toBe('done')
  })
})
