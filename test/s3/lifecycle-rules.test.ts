import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventsIn } from '../support/audit-log.ts'
import { bodyOf, plain } from '../support/engine.ts'
import { sendPart } from '../support/multipart.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { keysOf } from '../support/s3.ts'

const DAY_MS = 86_400_000

let test: ObjectHouse
/** Undefined: the time that it is, in which clients sign. */
let movedMs: number | undefined
beforeEach(async () => {
  test = await startObjectHouse({ clock: { now: () => movedMs ?? Date.now() } })
})
afterEach(() => test[Symbol.asyncDispose]())

async function atTime<T>(timeMs: number, work: () => Promise<T>): Promise<T> {
  movedMs = timeMs
  try {
    return await work()
  } finally {
    movedMs = undefined
  }
}

/** The first midnight so many days after now. */
const midnight = (days: number): number => Math.ceil((Date.now() + days * DAY_MS) / DAY_MS) * DAY_MS
const httpDate = (timeMs: number): string => new Date(timeMs).toUTCString()

const rules = (...Rules: LifecycleRule[]) =>
  test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: test.bucket, LifecycleConfiguration: { Rules } }))
/** What is there after the rules were looked at then. */
const at = async (timeMs: number) => {
  await atTime(timeMs, test.house.objects.lifecycle.pass)
  return keysOf(test.s3, test.bucket)
}
const afterDays = (Days: number, more: Partial<LifecycleRule> = {}): LifecycleRule => ({
  ...{ ID: `after ${Days}`, Status: 'Enabled', Filter: {}, Expiration: { Days } },
  ...more,
})

describe('Lifecycle rules', () => {
  it('delete an object at the midnight after its days, and no other', async () => {
    await rules(afterDays(1, { Filter: { Prefix: 'logs/' } }))
    await test.put('logs/1', 'one')
    await test.put('kept', 'kept')
    expect(await at(midnight(1) - 1)).toEqual(['kept', 'logs/1'])
    expect(await at(midnight(1))).toEqual(['kept'])
    expect(await test.blobs()).toHaveLength(1)
  })

  it('delete by date, tags and size', async () => {
    await rules(
      {
        ID: 'date',
        Status: 'Enabled',
        Filter: { Prefix: 'd' },
        Expiration: { Date: new Date(midnight(30)) },
      },
      afterDays(1, { ID: 'tag', Filter: { Tag: { Key: 'keep', Value: 'no' } } }),
      afterDays(2, { ID: 'size', Filter: { And: { Prefix: 's', ObjectSizeGreaterThan: 3, ObjectSizeLessThan: 6 } } }),
      afterDays(1, { ID: 'off', Status: 'Disabled' }),
    )
    await test.put('dated', '')
    await test.put('t1', '', { Tagging: 'keep=no&more=1' })
    await test.put('t2', '', { Tagging: 'keep=yes' })
    for (const size of [3, 4, 5, 6]) await test.put(`s${size}`, 'x'.repeat(size))
    const all = ['dated', 's3', 's4', 's5', 's6', 't1', 't2']
    expect(await at(midnight(1) - 1)).toEqual(all)
    expect(await at(midnight(1))).toEqual(all.filter((key) => key !== 't1'))
    expect(await at(midnight(2))).toEqual(['dated', 's3', 's6', 't2'])
    expect(await at(midnight(30))).toEqual(['s3', 's6', 't2'])
  })

  it('leave what was written again meanwhile', async () => {
    await rules(afterDays(1))
    await test.put('key', 'old')
    const bucket = test.house.objects.buckets.get(test.bucket)
    await atTime(midnight(1) - 1, () => test.house.objects.put({ bucket, key: 'key', body: bodyOf('new'), ...plain }))
    expect(await at(midnight(1))).toEqual(['key'])
    expect((await test.get('key')).bytes.toString()).toBe('new')
  })

  it('abort uploads, and say when', async () => {
    const abort = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } }
    await rules({ ID: 'give up/ü', Status: 'Enabled', Filter: { Prefix: 'a' }, ...abort })
    const create = (Key: string) => test.s3.send(new CreateMultipartUploadCommand({ Bucket: test.bucket, Key }))
    const { UploadId = '', AbortDate, AbortRuleId } = await create('a')
    expect([AbortDate?.toISOString(), AbortRuleId]).toEqual([new Date(midnight(2)).toISOString(), 'give%20up%2F%C3%BC'])
    expect((await create('b')).AbortDate).toBeUndefined()
    await sendPart(test, 'a', UploadId, 1, 'part')
    const parts = await test.s3.send(new ListPartsCommand({ Bucket: test.bucket, Key: 'a', UploadId }))
    expect([parts.AbortDate, parts.AbortRuleId]).toEqual([AbortDate, AbortRuleId])
    const uploads = async () =>
      (await test.s3.send(new ListMultipartUploadsCommand({ Bucket: test.bucket }))).Uploads?.map(({ Key }) => Key)
    await at(midnight(2) - 1)
    expect(await uploads()).toEqual(['a', 'b'])
    await at(midnight(2))
    expect(await uploads()).toEqual(['b'])
    expect(await test.blobs()).toEqual([])
  })

  it('end with the calendar, however many days they are given', async () => {
    await rules(
      afterDays(2_147_483_647, { ID: 'late', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2_147_483_647 } }),
    )
    const { Expiration } = await test.put('key', '')
    expect(Expiration).toBe('expiry-date="Fri, 31 Dec 9999 00:00:00 GMT", rule-id="late"')
    const { AbortDate } = await test.s3.send(new CreateMultipartUploadCommand({ Bucket: test.bucket, Key: 'key' }))
    expect(AbortDate).toEqual(new Date(Date.UTC(9999, 11, 31)))
  })

  it('are told with the object that they expire', async () => {
    await rules(afterDays(3, { ID: 'slow' }), afterDays(1, { ID: 'fast', Filter: { Prefix: 'f' } }))
    const slow = `expiry-date="${httpDate(midnight(3))}", rule-id="slow"`
    const fast = `expiry-date="${httpDate(midnight(1))}", rule-id="fast"`
    expect((await test.put('key', 'x')).Expiration).toBe(slow)
    expect((await test.get('key')).Expiration).toBe(slow)
    const target = { Bucket: test.bucket, Key: 'f1' }
    const copied = await test.s3.send(new CopyObjectCommand({ ...target, CopySource: `${test.bucket}/key` }))
    expect(copied.Expiration).toBe(fast)
    expect((await test.s3.send(new HeadObjectCommand(target))).Expiration).toBe(fast)
    const { UploadId = '' } = await test.s3.send(new CreateMultipartUploadCommand(target))
    const { ETag } = await sendPart(test, 'f1', UploadId, 1, 'x')
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const done = await test.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
    expect(done.Expiration).toBe(fast)
    await rules(afterDays(1, { Filter: { Tag: { Key: 'a', Value: 'b' } } }))
    expect((await test.get('key')).Expiration).toBeUndefined()
    expect((await test.put('tagged', 'x', { Tagging: 'a=b' })).Expiration).toContain('rule-id="after%201"')
  })

  it('act by themselves where a day is short', async () => {
    const short = await startObjectHouse({ settings: { COFFER_LIFECYCLE_DAY_SECONDS: '1' } })
    try {
      await short.put('key', 'x')
      await short.s3.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: short.bucket,
          LifecycleConfiguration: { Rules: [afterDays(1)] },
        }),
      )
      await expect.poll(() => keysOf(short.s3, short.bucket), { timeout: 20_000 }).toEqual([])
    } finally {
      await short[Symbol.asyncDispose]()
    }
  })

  it('leave a line in the audit log for each thing they did', async () => {
    await rules(afterDays(1, { ID: 'the rule' }))
    await test.put('gone', 'x')
    await at(midnight(1))
    const lines = async () =>
      (await eventsIn(`${test.dataDir}/audit`)).filter(({ action }) => action === 'store.lifecycle-expire')
    const line = {
      kind: 'activity',
      outcome: 'success',
      iamId: 'coffer',
      object: 'gone',
      reason: 'lifecycle rule the rule',
    }
    const target = expect.stringMatching(/:bucket:objects$/)
    await expect.poll(lines, { timeout: 20_000 }).toMatchObject([{ ...line, target }])
  })
})
