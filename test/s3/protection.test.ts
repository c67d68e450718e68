import { createRequire } from 'node:module'
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'

/** IBM's own client, unmodified. */
interface Client {
  readonly [method: string]: (parameters: object) => { readonly promise: () => Promise<Record<string, unknown>> }
}

let test: ObjectHouse
let cos: Client
let aheadMs = 0
beforeAll(async () => {
  test = await startObjectHouse({ clock: { now: () => Date.now() + aheadMs } })
  const { S3 }: { S3: new (options: object) => Client } = createRequire(import.meta.url)('ibm-cos-sdk')
  const { accessKeyId, secretAccessKey } = mainAccount.user
  cos = new S3({
    ...{ endpoint: test.s3Url, s3ForcePathStyle: true, signatureVersion: 'v4', maxRetries: 0, region: 'us-east-1' },
    credentials: { accessKeyId, secretAccessKey },
  })
  await protect({ minimum: 0, byDefault: 1, maximum: 10 })
})
afterAll(() => test[Symbol.asyncDispose]())

/** `code status` of what the client throws, 'done' when it does not. */
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { readonly code?: string; readonly statusCode?: number }) => `${error.statusCode} ${error.code}`,
  )
const send = async (method: string, parameters: object) => {
  const call = cos[method]
  if (!call) throw new Error(`the client has no ${method}`)
  return call.call(cos, { Bucket: test.bucket, ...parameters }).promise()
}
const configuration = ({ minimum = 0, byDefault = 1, maximum = 10, permanent = false }) => ({
  ...{ Status: 'Retention', EnablePermanentRetention: permanent },
  ...{
    MinimumRetention: { Days: minimum },
    DefaultRetention: { Days: byDefault },
    MaximumRetention: { Days: maximum },
  },
})
const protect = (of: Parameters<typeof configuration>[0], Bucket = test.bucket) =>
  send('putBucketProtectionConfiguration', { Bucket, ProtectionConfiguration: configuration(of) })
const put = (Key: string, more: object = {}) => send('putObject', { Key, Body: 'x', ...more })
const remove = (Key: string) => send('deleteObject', { Key })
const head = (Key: string) => send('headObject', { Key })
const holds = (Key: string) => send('listLegalHolds', { Key })
const DAY = 86_400

describe('a protected bucket (PutBucketProtectionConfiguration, GetBucketProtectionConfiguration)', () => {
  it('says how long its objects are retained', async () => {
    expect(await send('getBucketProtectionConfiguration', {})).toMatchObject(configuration({}))
    await test.s3.send(new CreateBucketCommand({ Bucket: 'unprotected' }))
    expect(await send('getBucketProtectionConfiguration', { Bucket: 'unprotected' })).toEqual({ Status: 'Disabled' })
  })

  it.each([
    ['bounds that do not ascend', { minimum: 2, byDefault: 1 }, '400 InvalidRequest'],
    ['too many days', { maximum: 365_244 }, '400 MalformedXML'],
  ])('refuses %s', async (_, of, expected) => {
    expect(await outcome(protect(of))).toBe(expected)
  })

  it('has no versioning, nor Object Lock', async () => {
    const versioning = (Bucket: string) =>
      send('putBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } })
    expect(await outcome(versioning(test.bucket))).toBe('409 InvalidBucketState')
    await test.s3.send(new CreateBucketCommand({ Bucket: 'versioned' }))
    await test.s3.send(
      new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }),
    )
    expect(await outcome(protect({}, 'versioned'))).toBe('409 InvalidBucketState')
  })

  it('allows permanent retention from one time on, for ever', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'permanent' }))
    await protect({}, 'permanent')
    const keep = (Key: string) => put(Key, { Bucket: 'permanent', RetentionPeriod: -2 })
    expect(await outcome(keep('a'))).toBe('400 InvalidRequest')
    await protect({ permanent: true }, 'permanent')
    await keep('a')
    expect(await outcome(protect({ permanent: false }, 'permanent'))).toBe('409 InvalidBucketState')
    expect(await outcome(send('deleteObject', { Bucket: 'permanent', Key: 'a' }))).toBe('403 AccessDenied')
  })
})

describe('an object of a protected bucket (AddLegalHold, DeleteLegalHold, ListLegalHolds, ExtendObjectRetention)', () => {
  it('is neither deleted nor replaced before the end of its period', async () => {
    await put('short', { RetentionPeriod: 60 })
    expect(await head('short')).toMatchObject({ RetentionPeriod: 60, RetentionLegalHoldCount: 0 })
    expect(await outcome(remove('short'))).toBe('403 AccessDenied')
    expect(await outcome(put('short'))).toBe('403 AccessDenied')
    const many = await send('deleteObjects', { Delete: { Objects: [{ Key: 'short' }] } })
    expect(many).toMatchObject({ Errors: [{ Key: 'short', Code: 'AccessDenied' }] })
    aheadMs += 61_000
    // It is retained again.
    await put('short')
    expect(await head('short')).toMatchObject({ RetentionPeriod: DAY })
    expect(await outcome(remove('short'))).toBe('403 AccessDenied')
  })

  it('has the default period of the bucket, also when it is copied or uploaded in parts', async () => {
    await put('plain')
    await send('copyObject', { Key: 'copy', CopySource: `${test.bucket}/plain` })
    await send('copyObject', { Key: 'long', CopySource: `${test.bucket}/plain`, RetentionPeriod: 5 * DAY })
    await send('copyObject', { Key: 'same', CopySource: `${test.bucket}/long`, RetentionDirective: 'COPY' })
    const upload = async (Key: string, more: object) => {
      const { UploadId } = await send('createMultipartUpload', { Key })
      const { ETag } = await send('uploadPart', { Key, UploadId, PartNumber: 1, Body: 'part' })
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
      return outcome(send('completeMultipartUpload', { Key, UploadId, MultipartUpload, ...more }))
    }
    expect(await upload('parts', {})).toBe('done')
    expect(await upload('long parts', { RetentionPeriod: 3 * DAY })).toBe('done')
    expect(await upload('too long', { RetentionPeriod: 11 * DAY })).toBe('400 InvalidRequest')
    const periods = await Promise.all(
      ['plain', 'copy', 'long', 'same', 'parts', 'long parts'].map(async (Key) => (await head(Key))['RetentionPeriod']),
    )
    expect(periods).toEqual([DAY, DAY, 5 * DAY, 5 * DAY, DAY, 3 * DAY])
  })

  it.each([
    ['longer than the bucket allows', { RetentionPeriod: 10 * DAY + 1 }, '400 InvalidRequest'],
    ['for ever, which the bucket does not allow', { RetentionPeriod: -2 }, '400 InvalidRequest'],
    ['both ways', { RetentionPeriod: 10, RetentionExpirationDate: new Date('2099-01-01') }, '400 InvalidRequest'],
    ['for no number', { RetentionPeriod: -3 }, '400 InvalidArgument'],
    ['to a date too far off', { RetentionExpirationDate: new Date('2099-01-01') }, '400 InvalidRequest'],
    ['by a hold without a name', { RetentionLegalHoldId: 'a hold' }, '400 InvalidArgument'],
  ])('is not retained %s', async (_, retention, expected) => {
    expect(await outcome(put('refused', retention))).toBe(expected)
    expect(await outcome(head('refused'))).toBe('404 NotFound')
  })

  it('is retained until a date', async () => {
    const until = new Date(Math.ceil((Date.now() + aheadMs) / 1000) * 1000 + 2 * DAY * 1000)
    await put('until', { RetentionExpirationDate: until })
    const { RetentionExpirationDate, RetentionPeriod } = await head('until')
    expect(RetentionExpirationDate).toEqual(until)
    expect(Math.abs(Number(RetentionPeriod) - 2 * DAY)).toBeLessThan(5)
  })

  it('is held by each of its holds, whatever its period', async () => {
    await put('held', { RetentionPeriod: 0, RetentionLegalHoldId: 'first' })
    await send('addLegalHold', { Key: 'held', RetentionLegalHoldId: 'second' })
    await send('addLegalHold', { Key: 'held', RetentionLegalHoldId: 'second' })
    expect(await head('held')).toMatchObject({ RetentionPeriod: 0, RetentionLegalHoldCount: 2 })
    const listed = await holds('held')
    expect(listed).toMatchObject({ RetentionPeriod: 0, LegalHolds: [{ ID: 'first' }, { ID: 'second' }] })
    expect(listed['CreateTime']).toBeInstanceOf(Date)
    await send('deleteLegalHold', { Key: 'held', RetentionLegalHoldId: 'first' })
    await send('deleteLegalHold', { Key: 'held', RetentionLegalHoldId: 'never-there' })
    expect(await outcome(remove('held'))).toBe('403 AccessDenied')
    await send('deleteLegalHold', { Key: 'held', RetentionLegalHoldId: 'second' })
    expect(await outcome(remove('held'))).toBe('done')
  })

  it('has at most 100 holds', { timeout: 30_000 }, async () => {
    await put('many', { RetentionPeriod: 0 })
    const add = (number: number) => outcome(send('addLegalHold', { Key: 'many', RetentionLegalHoldId: `h${number}` }))
    const outcomes: string[] = []
    for (let number = 0; number < 101; number++) outcomes.push(await add(number))
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(100)
    expect(outcomes.at(-1)).toBe('400 InvalidRequest')
  })

  it('is retained longer when somebody says so, and never shorter', async () => {
    await put('extended', { RetentionPeriod: DAY })
    const extend = (by: object) => outcome(send('extendObjectRetention', { Key: 'extended', ...by }))
    const period = async () => (await head('extended'))['RetentionPeriod']
    expect(await extend({ AdditionalRetentionPeriod: DAY })).toBe('done')
    expect(await period()).toBe(2 * DAY)
    expect(await extend({ NewRetentionPeriod: DAY })).toBe('400 InvalidRequest')
    expect(await extend({ NewRetentionPeriod: 3 * DAY })).toBe('done')
    expect(await period()).toBe(3 * DAY)
    expect(await extend({ NewRetentionPeriod: 11 * DAY })).toBe('400 InvalidRequest')
    expect(await extend({ ExtendRetentionFromCurrentTime: 4 * DAY })).toBe('done')
    expect(await extend({ NewRetentionExpirationDate: new Date(Date.now() + aheadMs + 5 * DAY * 1000) })).toBe('done')
    expect(Math.abs(Number(await period()) - 5 * DAY)).toBeLessThan(60)
    expect(await extend({})).toBe('400 InvalidRequest')
    expect(await extend({ NewRetentionPeriod: 9 * DAY, AdditionalRetentionPeriod: 1 })).toBe('400 InvalidRequest')
  })

  it('is retained without an end until it is given one', async () => {
    await put('event', { RetentionPeriod: -1 })
    expect(await head('event')).toMatchObject({ RetentionPeriod: -1 })
    expect(await outcome(remove('event'))).toBe('403 AccessDenied')
    expect(await outcome(send('extendObjectRetention', { Key: 'event', AdditionalRetentionPeriod: 5 }))).toBe(
      '400 InvalidRequest',
    )
    await send('extendObjectRetention', { Key: 'event', ExtendRetentionFromCurrentTime: 30 })
    aheadMs += 31_000
    expect(await outcome(remove('event'))).toBe('done')
  })
})

describe('a retention without an end', () => {
  const extend = (Key: string, by: object) => outcome(send('extendObjectRetention', { Key, ...by }))

  it('is given none before the one that it had', async () => {
    await put('floor', { RetentionPeriod: 9 * DAY })
    expect(await extend('floor', { NewRetentionPeriod: -1 })).toBe('done')
    expect(await head('floor')).toMatchObject({ RetentionPeriod: -1 })
    expect(await head('floor')).not.toHaveProperty('RetentionExpirationDate')
    expect(await holds('floor')).not.toHaveProperty('RetentionPeriodExpirationDate')
    for (const by of [
      { NewRetentionPeriod: 0 },
      { NewRetentionPeriod: 9 * DAY - 1 },
      { ExtendRetentionFromCurrentTime: 0 },
      { NewRetentionExpirationDate: new Date(Date.now() + aheadMs + DAY * 1000) },
      { AdditionalRetentionPeriod: 2 },
    ]) {
      expect(await extend('floor', by)).toBe('400 InvalidRequest')
    }
    // Nor in more steps, nor with a hold in between.
    expect(await extend('floor', { NewRetentionPeriod: -1 })).toBe('done')
    await send('addLegalHold', { Key: 'floor', RetentionLegalHoldId: 'h' })
    await send('deleteLegalHold', { Key: 'floor', RetentionLegalHoldId: 'h' })
    expect(await extend('floor', { NewRetentionPeriod: 0 })).toBe('400 InvalidRequest')
    expect(await extend('floor', { NewRetentionPeriod: 9 * DAY })).toBe('done')
    expect(await head('floor')).toMatchObject({ RetentionPeriod: 9 * DAY })
    expect(await outcome(remove('floor'))).toBe('403 AccessDenied')
  })

  it('is given none that the bucket would not have given it', async () => {
    const Bucket = 'minimum'
    await test.s3.send(new CreateBucketCommand({ Bucket }))
    await protect({ minimum: 1 }, Bucket)
    await put('k', { Bucket, RetentionPeriod: -1 })
    expect(await extend('k', { Bucket, NewRetentionPeriod: DAY - 1 })).toBe('400 InvalidRequest')
    expect(await extend('k', { Bucket, NewRetentionPeriod: DAY })).toBe('done')
  })
})

describe('what an upload in parts began with', () => {
  const begin = async (Key: string, headers: Record<string, string>) => {
    const begun = await test.raw({ method: 'POST', key: Key, query: { uploads: '' }, headers })
    const UploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.body.toString())?.[1]
    const { ETag } = await send('uploadPart', { Key, UploadId, PartNumber: 1, Body: 'part' })
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
    return (more: object) => outcome(send('completeMultipartUpload', { Key, UploadId, MultipartUpload, ...more }))
  }

  it('is a hold that stays, beside the one that its end brings', async () => {
    const complete = await begin('begun-held', { 'retention-legal-hold-id': 'first', 'retention-period': '0' })
    expect(await complete({ RetentionPeriod: 0, RetentionLegalHoldId: 'second' })).toBe('done')
    expect(await holds('begun-held')).toMatchObject({ LegalHolds: [{ ID: 'first' }, { ID: 'second' }] })
    expect(await outcome(remove('begun-held'))).toBe('403 AccessDenied')
  })

  it('is a period that its end makes longer, and never shorter', async () => {
    const complete = await begin('begun-retained', { 'retention-period': String(5 * DAY) })
    expect(await complete({ RetentionPeriod: 5 * DAY - 1 })).toBe('400 InvalidRequest')
    expect(await complete({ RetentionExpirationDate: new Date(Date.now() + aheadMs + DAY * 1000) })).toBe(
      '400 InvalidRequest',
    )
    expect(await complete({ RetentionPeriod: 6 * DAY })).toBe('done')
    expect(await head('begun-retained')).toMatchObject({ RetentionPeriod: 6 * DAY })
  })

  it('is a period that a hold leaves as it is', async () => {
    const complete = await begin('begun-both', { 'retention-period': String(5 * DAY) })
    expect(await complete({ RetentionLegalHoldId: 'late' })).toBe('done')
    expect(await head('begun-both')).toMatchObject({ RetentionPeriod: 5 * DAY, RetentionLegalHoldCount: 1 })
  })
})

describe('an object of another bucket', () => {
  it('has neither periods nor holds', async () => {
    const Bucket = 'unprotected'
    expect(await outcome(put('k', { Bucket, RetentionPeriod: 1 }))).toBe('400 InvalidRequest')
    await put('k', { Bucket })
    expect(await outcome(send('addLegalHold', { Bucket, Key: 'k', RetentionLegalHoldId: 'x' }))).toBe(
      '400 InvalidRequest',
    )
    expect(await outcome(send('listLegalHolds', { Bucket, Key: 'k' }))).toBe('400 InvalidRequest')
    expect(await outcome(send('extendObjectRetention', { Bucket, Key: 'k', NewRetentionPeriod: 1 }))).toBe(
      '400 InvalidRequest',
    )
  })

  it('is named with what is to be done to its holds', async () => {
    const reply = await test.raw({ method: 'POST', key: 'k', query: { legalHold: '' }, body: '' })
    expect(reply.status).toBe(400)
    const both = await test.raw({ method: 'POST', key: 'k', query: { legalHold: '', add: 'a', remove: 'b' }, body: '' })
    expect(both.status).toBe(400)
  })
})
