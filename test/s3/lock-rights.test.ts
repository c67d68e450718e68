import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, type RawS3Request, sendRaw, sha256 } from '../support/raw-s3.ts'
import { type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const DAY = 86_400
const root = { AWS: `arn:aws:iam::${otherAccount.id}:root` }
const lock = {
  ObjectLockMode: 'GOVERNANCE',
  ObjectLockRetainUntilDate: new Date('2099-01-01'),
} as const
const held = { ObjectLockLegalHoldStatus: 'ON' } as const

const checksum = { 'x-amz-checksum-sha256': Buffer.from(sha256('x'), 'hex').toString('base64') }
const send = async (account: TestAccount, path: string, request: Omit<RawS3Request, 'path' | 'account'>) =>
  outcome(await sendRaw(test.house.s3Url, { ...request, path, account }))
const put = (path: string, headers: Record<string, string>, account: TestAccount = otherAccount) =>
  headers['x-amz-copy-source'] === undefined
    ? send(account, path, { method: 'PUT', body: 'x', headers: { ...checksum, ...headers } })
    : send(account, path, { method: 'PUT', headers })

/** IBM's protection, without a minimum. */
async function protectedBucket(): Promise<string> {
  const bucket = await test.bucket()
  const days = (name: string, number: number) => `<${name}Retention><Days>${number}</Days></${name}Retention>`
  const bounds = days('Minimum', 0) + days('Default', 0) + days('Maximum', 1000)
  const body = `<ProtectionConfiguration><Status>Retention</Status>${bounds}</ProtectionConfiguration>`
  expect(await send(mainAccount, `/${bucket}`, { method: 'PUT', query: { protection: '' }, body })).toBe('200')
  return bucket
}

/** The other account, allowed these alone. */
const allow = (bucket: string, ...actions: readonly string[]) =>
  test.policy(bucket, { Principal: root, Action: actions.map((action) => `s3:${action}`) })

/** Of the other account, of one part: what completes it with these headers. */
async function uploadOf(bucket: string, Key = 'parts') {
  const { UploadId } = await test.other.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
  const part = { Bucket: bucket, Key, UploadId, PartNumber: 1, Body: 'x' }
  const { ETag } = await test.other.send(new UploadPartCommand(part))
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${ETag}</ETag></Part></CompleteMultipartUpload>`
  const query = { uploadId: UploadId ?? '' }
  return (headers: Record<string, string>) =>
    send(otherAccount, `/${bucket}/${Key}`, { method: 'POST', query, body, headers })
}

describe('an object is retained, and held, by those alone who may do so', () => {
  it('also as a copy', async () => {
    const bucket = await test.bucket({ ObjectLockEnabledForBucket: true })
    const copy = (more: object) =>
      refusal(
        test.other.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/cat`, ...more })),
      )
    await allow(bucket, 'PutObject', 'GetObject')
    expect(await copy({})).toBe('200')
    expect(await copy(lock)).toBe('403 AccessDenied')
    expect(await copy(held)).toBe('403 AccessDenied')
    await allow(bucket, 'PutObject', 'GetObject', 'PutObjectRetention')
    expect(await copy(lock)).toBe('200')
    expect(await copy({ ...lock, ...held })).toBe('403 AccessDenied')
    await allow(bucket, 'PutObject', 'GetObject', 'PutObjectLegalHold')
    expect(await copy(held)).toBe('200')
  })

  it.each([
    ['for a period', { 'retention-period': String(DAY) }, 'PutObjectRetention'],
    [
      'to a date',
      { 'retention-expiration-date': new Date(Date.now() + DAY * 1000).toISOString() },
      'PutObjectRetention',
    ],
    ['by a hold', { 'retention-legal-hold-id': 'court' }, 'PutObjectLegalHold'],
  ])('in a protected bucket %s: at once, in parts and as a copy', async (_, headers, right) => {
    const bucket = await protectedBucket()
    const copied = { ...headers, 'x-amz-copy-source': `/${bucket}/cat` }
    await allow(bucket, 'PutObject', 'GetObject')
    const complete = await uploadOf(bucket)
    expect(await put(`/${bucket}/put`, headers)).toBe('403 AccessDenied')
    expect(await put(`/${bucket}/copy`, copied)).toBe('403 AccessDenied')
    expect(await complete(headers)).toBe('403 AccessDenied')
    await allow(bucket, 'PutObject', 'GetObject', right)
    expect(await put(`/${bucket}/put`, headers)).toBe('200')
    expect(await put(`/${bucket}/copy`, copied)).toBe('200')
    expect(await complete(headers)).toBe('200')
  })

  it('with the period of what is copied by those who may read that, too', async () => {
    const bucket = await protectedBucket()
    expect(await put(`/${bucket}/retained`, { 'retention-period': String(DAY) }, mainAccount)).toBe('200')
    const copy = (from: string) =>
      put(`/${bucket}/copy of ${from}`.replaceAll(' ', '-'), {
        'x-amz-copy-source': `/${bucket}/${from}`,
        'retention-directive': 'COPY',
      })
    for (const rights of [[], ['PutObjectRetention'], ['GetObjectRetention']]) {
      await allow(bucket, 'PutObject', 'GetObject', ...rights)
      expect(await copy('retained')).toBe('403 AccessDenied')
    }
    await allow(bucket, 'PutObject', 'GetObject', 'GetObjectRetention', 'PutObjectRetention')
    expect(await copy('retained')).toBe('200')
  })
})

describe('the right to write that an ACL gives', () => {
  it('is none to retain, to hold or to tag', async () => {
    const bucket = await test.bucket({
      ...{ ObjectLockEnabledForBucket: true, ObjectOwnership: 'ObjectWriter', ACL: 'public-read-write' },
    })
    const until = '2099-01-01T00:00:00Z'
    const write = (headers: Record<string, string>) =>
      test.anonymous('PUT', `/${bucket}/k`, 'x', { ...checksum, ...headers })
    expect(await write({})).toBe('200')
    expect(await write({ 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-retain-until-date': until })).toBe(
      '403 AccessDenied',
    )
    expect(await write({ 'x-amz-object-lock-legal-hold': 'ON' })).toBe('403 AccessDenied')
    expect(await write({ 'x-amz-tagging': 'a=b' })).toBe('403 AccessDenied')
    const byOther = (more: object) =>
      refusal(test.other.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x', ...more })))
    expect([await byOther({}), await byOther(lock), await byOther(held), await byOther({ Tagging: 'a=b' })]).toEqual([
      '200',
      ...Array(3).fill('403 AccessDenied'),
    ])
  })

  it('is one to tag by the form that uploads, as at S3, and to do nothing else by it', async () => {
    const bucket = await test.bucket({
      ...{ ObjectLockEnabledForBucket: true, ObjectOwnership: 'ObjectWriter', ACL: 'public-read-write' },
    })
    const post = async (fields: Record<string, string>) => {
      const form = new FormData()
      for (const [name, value] of Object.entries({ key: 'k', ...fields, file: 'bytes' })) form.set(name, value)
      return (await fetch(`${test.house.s3Url}/${bucket}`, { method: 'POST', body: form })).status
    }
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
    expect(await post({ tagging })).toBe(204)
    const { TagSet } = await test.main.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'k' }))
    expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }])
    expect(await post({ 'x-amz-object-lock-legal-hold': 'ON' })).toBe(403)
    expect(await post({ 'x-amz-tagging': 'a=b' })).toBe(403)
  })
})
