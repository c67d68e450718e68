import { randomBytes } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealedLength } from '../../src/envelope/segment.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type ControlAnswer, type KeyOwner, keyOwner } from '../support/keys.ts'
import { otherAccount } from '../support/other-account.ts'
import { takeCustomerKeys } from '../support/s3.ts'

let test: TestHouse
let s3: S3Client
let keys: KeyOwner
let stranger: KeyOwner
beforeAll(async () => {
  test = await startHouse({
    accounts: [mainAccount, otherAccount],
    settings: { COFFER_S3_CUSTOMER_KEYS_OVER_HTTP: 'true' },
  })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  stranger = await keyOwner(test.controlUrl, otherAccount)
})
afterAll(() => test[Symbol.asyncDispose]())

const envelope = (bucket: string, key: string, who = keys, more = ''): Promise<ControlAnswer> =>
  who.call('GET', `/admin/v1/buckets/${bucket}/envelope?key=${encodeURIComponent(key)}${more}`)

describe('How an object is sealed', () => {
  it('is told with the key of the customer, its version and its name', async () => {
    const key = await keys.newKey('sealing')
    await keys.call('POST', `/api/v2/keys/${key.id}/aliases/finance`)
    await s3.send(new CreateBucketCommand({ Bucket: 'sealed' }))
    await keys.call('PUT', '/admin/v1/buckets/sealed/encryption', {
      ...{ encryption: 'customer-managed', rootKeyCrn: key.crn, bucketKey: false },
    })
    const Body = randomBytes(200_000)
    const Key = '2026/../a b/ü%2F.pdf'
    await s3.send(new PutObjectCommand({ Bucket: 'sealed', Key, Body }))
    const { status, json } = await envelope('sealed', Key)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ...{ bucket: 'sealed', key: Key, sizeBytes: 200_000, encryption: 'customer-managed', algorithm: 'aws:kms' },
      ...{ customerKey: false, ownKey: false },
      rootKey: { crn: key.crn, name: 'sealing', aliases: ['finance'], state: 'active' },
      rootKeyVersion: { number: 1, createdAt: expect.any(String) },
      stored: {
        ...{ format: 'OEF1', cipher: 'AES-256-GCM', segmentBytes: 65_536, parts: 1 },
        layers: [{ segments: 4, ciphertextBytes: sealedLength(200_000) }],
      },
    })
    expect(json.bucketKey).toBeUndefined()
    expect(json.dataKey.fingerprint).toMatch(/^[0-9a-f]{32}$/)
    // Names and states are the key's own, and of a key that is disabled they are told as well.
    await keys.act(key.id, 'disable')
    expect((await envelope('sealed', Key)).json.rootKey.state).toBe('suspended')
  })

  it('follows what wraps it, and names no key of the store to who may not see it', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'moved' }))
    await s3.send(new PutObjectCommand({ Bucket: 'moved', Key: 'k', Body: 'x' }))
    const before = await envelope('moved', 'k')
    expect(before.json).toMatchObject({ encryption: 'provider-managed', algorithm: 'AES256' })
    expect(before.json.rootKey.name).toBeUndefined()
    const key = await keys.newKey('bucket-keyed')
    await keys.call('PUT', '/admin/v1/buckets/moved/encryption', {
      ...{ encryption: 'customer-managed', rootKeyCrn: key.crn, bucketKey: true },
    })
    await s3.send(new PutObjectCommand({ Bucket: 'moved', Key: 'k', Body: 'x' }))
    const after = await envelope('moved', 'k')
    expect(after.json).toMatchObject({ rootKey: { crn: key.crn }, bucketKey: { id: expect.any(String) } })
    expect(after.json.dataKey.fingerprint).not.toBe(before.json.dataKey.fingerprint)
  })

  it('tells of each layer, and of a key that its customer keeps', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'layers' }))
    await s3.send(
      new PutObjectCommand({ Bucket: 'layers', Key: 'twice', Body: 'twice', ServerSideEncryption: 'aws:kms:dsse' }),
    )
    const twice = await envelope('layers', 'twice')
    expect(twice.json).toMatchObject({
      algorithm: 'aws:kms:dsse',
      stored: {
        layers: [{ ciphertextBytes: sealedLength(5) }, { ciphertextBytes: sealedLength(sealedLength(5)) }],
      },
    })
    await takeCustomerKeys(s3, 'layers')
    const SSECustomerKey = randomBytes(32).toString('base64')
    const command = { Bucket: 'layers', Key: 'kept', Body: 'kept', SSECustomerAlgorithm: 'AES256', SSECustomerKey }
    await s3.send(new PutObjectCommand(command))
    expect((await envelope('layers', 'kept')).json).toMatchObject({ customerKey: true })
  })

  it('is of the version that is named', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'versions' }))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'versions', VersioningConfiguration }))
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: 'versions', Key: 'k', Body: 'one' }))
    await s3.send(new PutObjectCommand({ Bucket: 'versions', Key: 'k', Body: 'second' }))
    expect((await envelope('versions', 'k')).json.sizeBytes).toBe(6)
    const first = await envelope('versions', 'k', keys, `&versionId=${VersionId}`)
    expect(first.json).toMatchObject({ versionId: VersionId, sizeBytes: 3 })
    await s3.send(new DeleteObjectCommand({ Bucket: 'versions', Key: 'k' }))
    expect((await envelope('versions', 'k')).status).toBe(404)
    expect((await envelope('versions', 'k', keys, `&versionId=${VersionId}`)).status).toBe(200)
  })

  it('is for those who may read the object', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'closed' }))
    await s3.send(new PutObjectCommand({ Bucket: 'closed', Key: 'k', Body: 'x' }))
    expect((await envelope('closed', 'k', stranger)).status).toBe(403)
    expect((await envelope('closed', 'missing', stranger)).status).toBe(403)
    expect((await envelope('closed', 'missing')).json.error.code).toBe('NoSuchKey')
    expect((await envelope('nowhere', 'k')).json.error.code).toBe('NoSuchBucket')
    expect((await keys.call('GET', '/admin/v1/buckets/closed/envelope')).json.error).toEqual({
      ...{ code: 'BadQuery', message: 'the query parameter key is missing' },
    })
  })
})
