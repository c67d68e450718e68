import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  type ObjectLockRetentionMode,
  type ObjectLockRule,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOwner } from '../support/keys.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { makeBucket } from '../support/s3.ts'

const DAY_MS = 86_400_000
let test: ObjectHouse
let aheadMs = 0
beforeAll(async () => {
  test = await startObjectHouse({ clock: { now: () => Date.now() + aheadMs } })
  await test.s3.send(new CreateBucketCommand({ Bucket: LOCKED, ObjectLockEnabledForBucket: true }))
})
afterAll(() => test[Symbol.asyncDispose]())

const LOCKED = 'locked-bucket'
const soon = () => new Date(Math.ceil((Date.now() + aheadMs) / 1000) * 1000 + 3_600_000)
const put = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  test.s3.send(new PutObjectCommand({ Bucket: LOCKED, Key, Body: 'x', ...more }))
const remove = (Key: string, VersionId: string | undefined, BypassGovernanceRetention?: boolean) =>
  test.s3.send(new DeleteObjectCommand({ Bucket: LOCKED, Key, VersionId, BypassGovernanceRetention }))
const retain = (Key: string, Mode: ObjectLockRetentionMode, RetainUntilDate: Date, more = {}) =>
  test.s3.send(new PutObjectRetentionCommand({ Bucket: LOCKED, Key, Retention: { Mode, RetainUntilDate }, ...more }))
const retention = async (Key: string, VersionId?: string) =>
  (await test.s3.send(new GetObjectRetentionCommand({ Bucket: LOCKED, Key, VersionId }))).Retention
const hold = (Key: string, Status: 'ON' | 'OFF', VersionId?: string) =>
  test.s3.send(new PutObjectLegalHoldCommand({ Bucket: LOCKED, Key, VersionId, LegalHold: { Status } }))
const configure = (Bucket: string, Rule?: ObjectLockRule) =>
  test.s3.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', ...(Rule ? { Rule } : {}) },
    }),
  )
const configuration = async (Bucket: string) =>
  (await test.s3.send(new GetObjectLockConfigurationCommand({ Bucket }))).ObjectLockConfiguration
const days = (Mode: ObjectLockRetentionMode, Days: number): ObjectLockRule => ({ DefaultRetention: { Mode, Days } })

describe('a bucket with Object Lock', () => {
  it('has versioning, which stays', async () => {
    const { s3 } = test
    expect(await s3.send(new GetBucketVersioningCommand({ Bucket: LOCKED }))).toMatchObject({ Status: 'Enabled' })
    const suspend = new PutBucketVersioningCommand({
      Bucket: LOCKED,
      VersioningConfiguration: { Status: 'Suspended' },
    })
    expect(await refusal(s3.send(suspend))).toBe('409 InvalidBucketState')
    expect(await configuration(LOCKED)).toEqual({ ObjectLockEnabled: 'Enabled' })
  })

  it('keeps the default retention that it is given', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'defaults', ObjectLockEnabledForBucket: true }))
    for (const Rule of [
      days('GOVERNANCE', 36_500),
      { DefaultRetention: { Mode: 'COMPLIANCE', Years: 100 } } as const,
    ]) {
      await configure('defaults', Rule)
      expect(await configuration('defaults')).toEqual({ ObjectLockEnabled: 'Enabled', Rule })
    }
    await configure('defaults')
    expect(await configuration('defaults')).toEqual({ ObjectLockEnabled: 'Enabled' })
  })

  it.each([
    ['days and years', { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1, Years: 1 } }, '400 MalformedXML'],
    ['neither', { DefaultRetention: { Mode: 'GOVERNANCE' } }, '400 MalformedXML'],
    ['an unknown mode', { DefaultRetention: { Mode: 'governance' as 'GOVERNANCE', Days: 1 } }, '400 MalformedXML'],
    ['no day', days('GOVERNANCE', 0), '400 InvalidRetentionPeriod'],
    ['a negative year', { DefaultRetention: { Mode: 'GOVERNANCE', Years: -1 } }, '400 InvalidRetentionPeriod'],
    ['too many days', days('GOVERNANCE', 36_501), '400 InvalidRetentionPeriod'],
    ['an empty rule', {}, '400 MalformedXML'],
  ] as const)('refuses a default retention with %s', async (_, rule, expected) => {
    expect(await refusal(configure(LOCKED, rule))).toBe(expected)
  })

  it('is made of one with versioning enabled, and of no other', async () => {
    const { s3, bucket: Bucket } = test
    expect(await refusal(configuration(Bucket))).toBe('404 ObjectLockConfigurationNotFoundError')
    expect(await refusal(configure(Bucket, days('GOVERNANCE', 1)))).toBe('409 InvalidBucketState')
    for (const Status of ['Suspended', 'Enabled'] as const) {
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
      const outcome = await refusal(configure(Bucket, days('GOVERNANCE', 1)))
      expect(outcome).toBe(Status === 'Enabled' ? '200' : '409 InvalidBucketState')
    }
    expect(await configuration(Bucket)).toMatchObject({ Rule: days('GOVERNANCE', 1) })
  })

  it('keeps its root key from being deleted, also when it got its lock later', async () => {
    const keys = await keyOwner(test.controlUrl)
    const { crn, id } = await keys.newKey('of a locked bucket')
    await makeBucket(test.s3, 'by-its-key', crn)
    const Bucket = 'by-its-key'
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    await configure(Bucket)
    const forced = () => keys.call('DELETE', `/api/v2/keys/${id}?force=true`)
    expect(await forced()).toMatchObject({
      status: 409,
      json: { resources: [{ reasons: [{ code: 'PREV_KEY_DEL_ERR' }] }] },
    })
    await test.s3.send(new DeleteBucketCommand({ Bucket }))
    await expect.poll(async () => (await forced()).status).toBe(204)
  })

  it('is not the same as one without', async () => {
    expect(await refusal(test.s3.send(new CreateBucketCommand({ Bucket: LOCKED })))).toBe('409 BucketAlreadyOwnedByYou')
  })
})

describe('a version under retention', () => {
  it('is not deleted before its time, under governance only by who may and says so', async () => {
    const { VersionId } = await put('governed')
    const until = soon()
    await retain('governed', 'GOVERNANCE', until)
    expect(await retention('governed')).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: until })
    expect(await refusal(remove('governed', VersionId))).toBe('403 AccessDenied')
    // A delete marker takes nothing away.
    const marker = await remove('governed', undefined)
    expect(marker.DeleteMarker).toBe(true)
    await remove('governed', marker.VersionId)
    expect(await refusal(remove('governed', VersionId))).toBe('403 AccessDenied')
    expect(await refusal(remove('governed', VersionId, true))).toBe('200')
  })

  it('is not deleted by anybody under compliance, until its time is over', async () => {
    const { VersionId } = await put('compliant', {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: new Date(Date.now() + aheadMs + 60_000),
    })
    expect(await refusal(remove('compliant', VersionId, true))).toBe('403 AccessDenied')
    const many = await test.s3.send(
      new DeleteObjectsCommand({
        Bucket: LOCKED,
        Delete: {
          Objects: [
            { Key: 'compliant', VersionId },
            { Key: 'nothing', VersionId },
          ],
        },
        BypassGovernanceRetention: true,
      }),
    )
    expect(many).toMatchObject({
      Deleted: [{ Key: 'nothing' }],
      Errors: [{ Key: 'compliant', VersionId, Code: 'AccessDenied' }],
    })
    // Less than requests may be out of step with the server.
    aheadMs += 120_000
    expect(await retention('compliant')).toMatchObject({ Mode: 'COMPLIANCE' })
    expect(await refusal(remove('compliant', VersionId))).toBe('200')
  })

  it.each([
    ['longer', 'GOVERNANCE', 'GOVERNANCE', 2, '200', '200'],
    ['shorter', 'GOVERNANCE', 'GOVERNANCE', 0.5, '403 AccessDenied', '200'],
    ['compliance', 'GOVERNANCE', 'COMPLIANCE', 2, '403 AccessDenied', '200'],
    ['longer', 'COMPLIANCE', 'COMPLIANCE', 2, '200', '200'],
    ['shorter', 'COMPLIANCE', 'COMPLIANCE', 0.5, '403 AccessDenied', '403 AccessDenied'],
    ['governance', 'COMPLIANCE', 'GOVERNANCE', 2, '403 AccessDenied', '403 AccessDenied'],
  ] as const)('gets %s from %s to %s by who may', async (what, from, to, factor, without, bypassing) => {
    const start = Date.now() + aheadMs
    const until = (hours: number) => new Date(start + hours * 3_600_000)
    const Key = `${what} ${from}`
    await put(Key)
    await retain(Key, from, until(1))
    const change = (BypassGovernanceRetention: boolean) =>
      refusal(retain(Key, to, until(factor), { BypassGovernanceRetention }))
    expect([await change(false), await change(true)]).toEqual([without, bypassing])
    expect((await retention(Key))?.Mode).toBe(bypassing === '200' ? to : from)
  })

  it('has none when an empty one is given by who may', async () => {
    await put('freed')
    await retain('freed', 'GOVERNANCE', soon())
    const empty = (BypassGovernanceRetention: boolean) =>
      test.s3.send(
        new PutObjectRetentionCommand({ Bucket: LOCKED, Key: 'freed', Retention: {}, BypassGovernanceRetention }),
      )
    expect(await refusal(empty(false))).toBe('403 AccessDenied')
    await empty(true)
    expect(await refusal(retention('freed'))).toBe('404 NoSuchObjectLockConfiguration')
  })

  it('is one of several: each has its own', async () => {
    const first = await put('each')
    const second = await put('each')
    await retain('each', 'GOVERNANCE', soon(), { VersionId: first.VersionId })
    expect(await retention('each', first.VersionId)).toMatchObject({ Mode: 'GOVERNANCE' })
    expect(await refusal(retention('each'))).toBe('404 NoSuchObjectLockConfiguration')
    expect(await refusal(remove('each', second.VersionId))).toBe('200')
    expect(await refusal(remove('each', first.VersionId))).toBe('403 AccessDenied')
  })

  it('is not what a delete marker can be, nor what is not there', async () => {
    await put('marked')
    const { VersionId } = await remove('marked', undefined)
    expect(await refusal(retain('marked', 'GOVERNANCE', soon()))).toBe('404 NoSuchKey')
    expect(await refusal(retain('marked', 'GOVERNANCE', soon(), { VersionId }))).toBe('405 MethodNotAllowed')
    expect(await refusal(hold('nothing', 'ON'))).toBe('404 NoSuchKey')
    expect(await refusal(retention('nothing'))).toBe('404 NoSuchKey')
    expect(await refusal(retention('marked', 'A'.repeat(22)))).toBe('404 NoSuchVersion')
  })

  it('has no end in the past, and no mode that there is not', async () => {
    await put('bad')
    expect(await refusal(retain('bad', 'GOVERNANCE', new Date(0)))).toBe('400 InvalidArgument')
    expect(await refusal(retain('bad', 'governance' as 'GOVERNANCE', soon()))).toBe('400 MalformedXML')
  })
})

describe('a version under legal hold', () => {
  it('is not deleted by anybody until the hold is off', async () => {
    const { VersionId } = await put('held', { ObjectLockLegalHoldStatus: 'ON' })
    expect(await refusal(remove('held', VersionId, true))).toBe('403 AccessDenied')
    const status = async () =>
      (await test.s3.send(new GetObjectLegalHoldCommand({ Bucket: LOCKED, Key: 'held' }))).LegalHold?.Status
    expect(await status()).toBe('ON')
    await hold('held', 'OFF')
    expect(await status()).toBe('OFF')
    expect(await refusal(remove('held', VersionId))).toBe('200')
  })

  it('is held whatever its retention says', async () => {
    const { VersionId } = await put('both')
    await hold('both', 'ON', VersionId)
    await retain('both', 'GOVERNANCE', soon())
    expect(await refusal(remove('both', VersionId, true))).toBe('403 AccessDenied')
    await hold('both', 'OFF')
    expect(await refusal(remove('both', VersionId))).toBe('403 AccessDenied')
    expect(await refusal(remove('both', VersionId, true))).toBe('200')
  })

  it('knows ON and OFF, and nothing of what was never held', async () => {
    await put('never')
    expect(await refusal(hold('never', 'abc' as 'ON'))).toBe('400 MalformedXML')
    const get = test.s3.send(new GetObjectLegalHoldCommand({ Bucket: LOCKED, Key: 'never' }))
    expect(await refusal(get)).toBe('404 NoSuchObjectLockConfiguration')
  })
})

describe('an upload into a bucket with Object Lock', () => {
  it('says its lock, and reads tell it', async () => {
    const until = soon()
    const lock = {
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
      ObjectLockLegalHoldStatus: 'OFF',
    } as const
    await put('told', lock)
    expect(await test.s3.send(new HeadObjectCommand({ Bucket: LOCKED, Key: 'told' }))).toMatchObject(lock)
    const copy = new CopyObjectCommand({ Bucket: LOCKED, Key: 'copy', CopySource: `${LOCKED}/told` })
    await test.s3.send(copy)
    // S3: a copy has the lock that its own request says.
    const copied = await test.s3.send(new HeadObjectCommand({ Bucket: LOCKED, Key: 'copy' }))
    expect(copied.ObjectLockMode).toBeUndefined()
  })

  it('in parts gets the lock that it began with', async () => {
    const of = { Bucket: LOCKED, Key: 'parts' }
    const { UploadId } = await test.s3.send(
      new CreateMultipartUploadCommand({ ...of, ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: soon() }),
    )
    const part = await test.s3.send(new UploadPartCommand({ ...of, UploadId, PartNumber: 1, Body: 'abc' }))
    const { VersionId } = await test.s3.send(
      new CompleteMultipartUploadCommand({
        ...{ ...of, UploadId },
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
      }),
    )
    expect(await refusal(remove('parts', VersionId))).toBe('403 AccessDenied')
    expect(await refusal(remove('parts', VersionId, true))).toBe('200')
  })

  it('gets the default retention of the bucket, however it comes, unless it says its own', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'by-default', ObjectLockEnabledForBucket: true }))
    await configure('by-default', days('GOVERNANCE', 2))
    const of = (Key: string) => ({ Bucket: 'by-default', Key })
    await test.s3.send(new PutObjectCommand({ ...of('put'), Body: 'x' }))
    await test.s3.send(new CopyObjectCommand({ ...of('copy'), CopySource: 'by-default/put' }))
    const { UploadId } = await test.s3.send(new CreateMultipartUploadCommand(of('parts')))
    const part = await test.s3.send(new UploadPartCommand({ ...of('parts'), UploadId, PartNumber: 1, Body: 'abc' }))
    await test.s3.send(
      new CompleteMultipartUploadCommand({
        ...{ ...of('parts'), UploadId },
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
      }),
    )
    for (const Key of ['put', 'copy', 'parts']) {
      const head = await test.s3.send(new HeadObjectCommand(of(Key)))
      expect(head.ObjectLockMode).toBe('GOVERNANCE')
      const lastedMs = (head.ObjectLockRetainUntilDate?.getTime() ?? 0) - (head.LastModified?.getTime() ?? 0)
      expect(Math.abs(lastedMs - 2 * DAY_MS)).toBeLessThan(2000)
    }
    const own = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: soon() } as const
    await test.s3.send(new PutObjectCommand({ ...of('own'), Body: 'x', ...own }))
    expect(await test.s3.send(new HeadObjectCommand(of('own')))).toMatchObject(own)
  })

  it.each([
    ['without an end', { ObjectLockMode: 'GOVERNANCE' }, '400 InvalidArgument'],
    ['without a mode', { ObjectLockRetainUntilDate: new Date('2040-01-01') }, '400 InvalidArgument'],
    [
      'with an end in the past',
      { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date(0) },
      '400 InvalidArgument',
    ],
    [
      'with an unknown mode',
      { ObjectLockMode: 'X', ObjectLockRetainUntilDate: new Date('2040-01-01') },
      '400 InvalidArgument',
    ],
    ['with an unknown hold', { ObjectLockLegalHoldStatus: 'on' }, '400 InvalidArgument'],
  ] as const)('is refused %s', async (_, lock, expected) => {
    expect(await refusal(put('refused', lock as Partial<PutObjectCommandInput>))).toBe(expected)
    expect(await refusal(test.s3.send(new HeadObjectCommand({ Bucket: LOCKED, Key: 'refused' })))).toBe('404 NotFound')
  })

  it('is refused a lock without a checksum', async () => {
    const headers = { 'x-amz-object-lock-legal-hold': 'ON' }
    const reply = await test.raw({ method: 'PUT', key: 'unchecked', headers, body: 'x' })
    expect(`${reply.status} ${/<Code>(.*?)</.exec(reply.body.toString())?.[1]}`).toBe('400 InvalidRequest')
  })

  it('is refused parts without a checksum where it will be locked', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'by-default', ObjectLockEnabledForBucket: true }))
    await configure('by-default', days('GOVERNANCE', 2))
    const own = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: soon() } as const
    const begin = async (Bucket: string, lock: Partial<typeof own> = {}) =>
      (await test.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ...lock }))).UploadId ?? ''
    const send = async (bucket: string, uploadId: string, headers: Record<string, string> = {}) => {
      const query = { partNumber: '1', uploadId }
      const reply = await sendRaw(test.s3Url, {
        method: 'PUT',
        path: `/${bucket}/parts`,
        query,
        headers,
        body: 'x',
      })
      return `${reply.status} ${/<Message>(.*?)</.exec(reply.body.toString())?.[1] ?? ''}`
    }
    const refused =
      '400 Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters'
    const byDefault = await begin('by-default')
    expect(await send('by-default', byDefault)).toBe(refused)
    expect(await send('by-default', byDefault, { 'content-md5': 'ndTkYSaMgDT1yFZOFVxnpg==' })).toBe('200 ')
    expect(await send('by-default', byDefault, { 'x-amz-checksum-crc32': 'jNwWgw==' })).toBe('200 ')
    expect(await send(LOCKED, await begin(LOCKED, own))).toBe(refused)
    expect(await send(LOCKED, await begin(LOCKED))).toBe('200 ')
  })

  it('has no lock in a bucket without', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'without-lock' }))
    const of = { Bucket: 'without-lock', Key: 'k' }
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: soon() } as const
    expect(await refusal(test.s3.send(new PutObjectCommand({ ...of, Body: 'x', ...lock })))).toBe('400 InvalidRequest')
    expect(await refusal(test.s3.send(new CreateMultipartUploadCommand({ ...of, ...lock })))).toBe('400 InvalidRequest')
    await test.s3.send(new PutObjectCommand({ ...of, Body: 'x' }))
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: soon() } as const
    for (const command of [
      new PutObjectRetentionCommand({ ...of, Retention }),
      new GetObjectRetentionCommand(of),
      new PutObjectLegalHoldCommand({ ...of, LegalHold: { Status: 'ON' } }),
      new GetObjectLegalHoldCommand(of),
    ] as const) {
      expect(await refusal(test.s3.send(command as GetObjectRetentionCommand))).toBe('400 InvalidRequest')
    }
  })
})
