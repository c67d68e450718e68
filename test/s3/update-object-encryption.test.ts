import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UpdateObjectEncryptionCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount] })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  await s3.send(new CreateBucketCommand({ Bucket: 'objects' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const put = (Key: string) =>
  s3.send(
    new PutObjectCommand({
      ...{ Bucket: 'objects', Key, Body: `bytes of ${Key}`, Metadata: { note: 'kept' } },
      ContentType: 'text/plain',
      ChecksumAlgorithm: 'SHA256',
    }),
  )
const head = async (Key: string) => {
  const { $metadata: _, ...said } = await s3.send(
    new HeadObjectCommand({ Bucket: 'objects', Key, ChecksumMode: 'ENABLED' }),
  )
  return said
}
const list = async (Prefix: string) => (await s3.send(new ListObjectsV2Command({ Bucket: 'objects', Prefix }))).Contents
const text = async (Key: string) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'objects', Key }))
  return Body?.transformToString()
}
const update = (Key: string, KMSKeyArn: string, BucketKeyEnabled?: boolean) =>
  s3.send(
    new UpdateObjectEncryptionCommand({
      ...{ Bucket: 'objects', Key },
      ObjectEncryption: { SSEKMS: { KMSKeyArn, ...(BucketKeyEnabled === undefined ? {} : { BucketKeyEnabled }) } },
    }),
  )

describe('UpdateObjectEncryption', () => {
  it.each([undefined, false, true])('changes what protects an object and nothing else (bucket key: %s)', async (on) => {
    const name = `object ${on}`
    await put(name)
    const before = await head(name)
    const listed = await list(name)
    const key = await keys.newKey(name)
    await update(name, key.crn, on)
    const bucketKey = on ? { BucketKeyEnabled: true } : {}
    const told = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key.crn, ...bucketKey }
    expect(await head(name)).toEqual({ ...before, ...told })
    expect(before.ServerSideEncryption).toBe('AES256')
    expect(await text(name)).toBe(`bytes of ${name}`)
    expect(await list(name)).toEqual(listed)
    expect(await keys.registrations(key.id)).toEqual([expect.stringMatching(/:bucket:objects$/)])
    await keys.act(key.id, 'disable')
    expect(await refusal(text(name))).toBe('400 KMS.DisabledException')
    await keys.act(key.id, 'enable')
    expect(await text(name)).toBe(`bytes of ${name}`)
  })

  it('goes from key to key, and the former one may be deleted', async () => {
    await put('wanderer')
    const first = await keys.newKey('first')
    const second = await keys.newKey('second')
    await update('wanderer', first.crn)
    await update('wanderer', second.crn)
    await keys.remove(first.id)
    expect(await text('wanderer')).toBe('bytes of wanderer')
  })

  it('refuses keys that may not be used', async () => {
    await put('kept')
    const before = await head('kept')
    const foreign = await keyOwner(test.controlUrl, otherAccount)
    const disabled = await keys.newKey('disabled')
    await keys.act(disabled.id, 'disable')
    const standard = await keys.newKey('standard', { extractable: true })
    const missing = disabled.crn.replace(/[^:]+$/, '00000000-0000-4000-8000-000000000000')
    expect(await refusal(update('kept', (await foreign.newKey('foreign')).crn))).toBe('403 AccessDenied')
    expect(await refusal(update('kept', disabled.crn))).toBe('400 KMS.DisabledException')
    expect(await refusal(update('kept', standard.crn))).toBe('400 InvalidRequest')
    expect(await refusal(update('kept', missing))).toBe('400 InvalidRequest')
    expect(await refusal(update('kept', disabled.crn.replace(':us-south:', ':eu-de:')))).toBe('400 InvalidRequest')
    expect(await refusal(update('kept', 'arn:aws:kms:us-east-1:111122223333:key/abc'))).toBe('400 InvalidRequest')
    expect(await head('kept')).toEqual(before)
  })

  it('needs an object, the right and a version that there is', async () => {
    const key = await keys.newKey('needed')
    expect(await refusal(update('none', key.crn))).toBe('404 NoSuchKey')
    await put('one')
    const foreign = test.client(otherAccount).send(
      new UpdateObjectEncryptionCommand({
        ...{ Bucket: 'objects', Key: 'one' },
        ObjectEncryption: { SSEKMS: { KMSKeyArn: key.crn } },
      }),
    )
    expect(await refusal(foreign)).toBe('403 AccessDenied')
    const versioned = (VersionId: string) =>
      s3.send(
        new UpdateObjectEncryptionCommand({
          ...{ Bucket: 'objects', Key: 'one', VersionId },
          ObjectEncryption: { SSEKMS: { KMSKeyArn: key.crn } },
        }),
      )
    expect(await refusal(versioned('a'.repeat(32)))).toBe('404 NoSuchVersion')
    expect(await refusal(versioned('null'))).toBe('200')
  })

  it.each([
    ['no document', ''],
    ['no type', '<ObjectEncryption/>'],
    ['no key', '<ObjectEncryption><SSE-KMS/></ObjectEncryption>'],
    ['an empty key', '<ObjectEncryption><SSE-KMS><KMSKeyArn/></SSE-KMS></ObjectEncryption>'],
    ['another type', '<ObjectEncryption><SSE-S3/></ObjectEncryption>'],
    [
      'a bucket key that is neither',
      '<ObjectEncryption><SSE-KMS><KMSKeyArn>crn</KMSKeyArn><BucketKeyEnabled>1</BucketKeyEnabled></SSE-KMS></ObjectEncryption>',
    ],
    ['another document', '<Other/>'],
  ])('refuses a request with %s', async (_, body) => {
    await put('document')
    const path = '/objects/document'
    const reply = await sendRaw(test.s3Url, { method: 'PUT', path, query: { encryption: '' }, body })
    expect(outcome(reply)).toMatch(/^400 (InvalidRequest|MalformedXML)$/)
    expect(await text('document')).toBe('bytes of document')
  })
})
