import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { refusal } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, type RawS3Request, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'

let offsetMs = 0
let test: TestHouse
let s3: S3Client
let keys: KeyOwner
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount], clock: { now: () => Date.now() + offsetMs } })
  s3 = test.client()
  keys = await keyOwner(test.controlUrl)
  await s3.send(new CreateBucketCommand({ Bucket: 'plain' }))
  await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'key', Body: 'plain' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const ALGORITHM = 'ibm-sse-kp-encryption-algorithm'
const ROOT_KEY = 'ibm-sse-kp-customer-root-key-crn'
const sseHeaders = (crn: string) => ({ [ALGORITHM]: 'AES256', [ROOT_KEY]: crn })
const putBucket = (bucket: string, headers: Record<string, string>, more: Partial<RawS3Request> = {}) =>
  sendRaw(test.s3Url, { method: 'PUT', path: `/${bucket}`, headers, ...more })
const location = (code: string) =>
  `<CreateBucketConfiguration><LocationConstraint>${code}</LocationConstraint></CreateBucketConfiguration>`

/** A bucket under a key of its own, with one object. */
async function lockable(bucket: string) {
  const key = await keys.newKey(`key of ${bucket}`)
  expect(outcome(await putBucket(bucket, sseHeaders(key.crn)))).toBe('200')
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'secret', Metadata: { note: 'sealed' } }))
  return key
}
const text = async (Bucket: string, Key = 'key') => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return Body?.transformToString()
}

describe('Creating a bucket under a root key', () => {
  it('registers the bucket at the key, and says so on HEAD and ListObjects', async () => {
    const key = await lockable('registered')
    const crn = `${objectStorageCrn(mainAccount).slice(0, -2)}:bucket:registered`
    expect(await keys.registrations(key.id)).toEqual([crn])
    const said = { 'ibm-sse-kp-enabled': 'true', [ROOT_KEY]: key.crn, 'ibm-sse-kp-crk-id': key.crn }
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: '/registered' })).headers).toMatchObject(said)
    expect((await sendRaw(test.s3Url, { method: 'GET', path: '/registered' })).headers).toMatchObject(said)
    const object = await s3.send(new HeadObjectCommand({ Bucket: 'registered', Key: 'key' }))
    expect([object.ServerSideEncryption, object.SSEKMSKeyId]).toEqual(['aws:kms', key.crn])
  })

  it('tells which key it is to those only who may know it', async () => {
    const key = await lockable('discreet')
    const identities = await keyOwner(test.objectsControlUrl)
    for (const [role, crn] of [
      ['Reader', undefined],
      ['Writer', key.crn],
    ] as const) {
      const made = { name: role, source: objectStorageCrn(mainAccount), role }
      const { json } = await identities.call('POST', '/v2/resource_keys', made)
      const token = await iamToken(test.objectsControlUrl, json.credentials.apikey)
      for (const method of ['HEAD', 'GET']) {
        const headers = bearer(token, mainAccount.objectStorageInstance)
        const { headers: told } = await sendPlain(test.s3Url, { method, target: '/discreet', headers })
        expect([told['ibm-sse-kp-enabled'], told[ROOT_KEY], told['ibm-sse-kp-crk-id']]).toEqual(['true', crn, crn])
      }
    }
  })

  it('is not possible to change afterwards', async () => {
    const first = await lockable('fixed')
    const second = await keys.newKey('another')
    expect(outcome(await putBucket('fixed', sseHeaders(second.crn)))).toBe('409 BucketAlreadyOwnedByYou')
    expect(outcome(await putBucket('plain', sseHeaders(second.crn)))).toBe('409 BucketAlreadyOwnedByYou')
    expect(await keys.registrations(second.id)).toEqual([])
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: '/fixed' })).headers[ROOT_KEY]).toBe(first.crn)
  })

  it('removes the registration with the bucket', async () => {
    const key = await keys.newKey('short-lived')
    await putBucket('short-lived', sseHeaders(key.crn))
    expect((await keys.registrations(key.id)).length).toBe(1)
    await s3.send(new DeleteBucketCommand({ Bucket: 'short-lived' }))
    expect(await keys.registrations(key.id)).toEqual([])
  })

  it('a registered key is deleted only by force', async () => {
    const key = await lockable('in-use')
    expect((await keys.call('DELETE', `/api/v2/keys/${key.id}`)).status).toBe(409)
    expect(await text('in-use')).toBe('secret')
  })

  const NOT_FOUND = '400 InvalidRequest The Key CRN could not be found'
  const kmsCrn = (id: string, more: { region?: string; account?: string; instance?: string; type?: string } = {}) => {
    const { region = 'us-south', account = mainAccount.id, instance = mainAccount.keyProtectInstance } = more
    return `crn:v1:bluemix:public:kms:${region}:a/${account}:${instance}:${more.type ?? 'key'}:${id}`
  }
  const answer = async (headers: Record<string, string>, more: Partial<RawS3Request> = {}) => {
    const reply = await putBucket('refused', headers, more)
    const message = /<Message>(.*?)<\/Message>/.exec(reply.body.toString())?.[1]?.replaceAll('&quot;', '"') ?? ''
    return `${outcome(reply)} ${message}`
  }

  it('takes a key that is there, may be used, is active and is near', async () => {
    const unknown = '99999999-0000-4000-8000-000000000009'
    const { id, crn } = await keys.newKey('good')
    expect(await answer(sseHeaders(kmsCrn(unknown)))).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(kmsCrn(id, { region: 'eu-de' })))).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(kmsCrn(id, { account: '3'.repeat(32) })))).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(kmsCrn(id, { instance: unknown })))).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(kmsCrn(id, { instance: mainAccount.objectStorageInstance })))).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(crn), { body: location('eu-de-standard') })).toBe(NOT_FOUND)
    expect(await answer(sseHeaders(crn), { body: location('eu-standard') })).toBe(NOT_FOUND)
    expect(outcome(await putBucket('near', sseHeaders(crn), { body: location('us-south-standard') }))).toBe('200')
    expect(outcome(await putBucket('cross-region', sseHeaders(crn), { body: location('us-smart') }))).toBe('200')
  })

  it('compares the region of the endpoint when the client names none', async () => {
    await using frankfurt = await startHouse({ settings: { COFFER_S3_REGION: 'eu-de' } })
    const { crn } = await (await keyOwner(frankfurt.controlUrl)).newKey('in us-south')
    const far = await sendRaw(frankfurt.s3Url, { method: 'PUT', path: '/bucket', headers: sseHeaders(crn) })
    expect(outcome(far)).toBe('400 InvalidRequest')
    const near = { body: location('us-south-standard') }
    const named = await sendRaw(frankfurt.s3Url, { method: 'PUT', path: '/bucket', headers: sseHeaders(crn), ...near })
    expect(outcome(named)).toBe('200')
  })

  it('does not tell a missing authorization from a missing key', async () => {
    const { crn } = await keys.newKey('unauthorized')
    const putBack = await keys.withdrawAuthorizations()
    expect(await answer(sseHeaders(crn))).toBe(NOT_FOUND)
    await putBack()
    expect(outcome(await putBucket('authorized', sseHeaders(crn)))).toBe('200')
  })

  it('refuses a standard key, a disabled one and a deleted one', async () => {
    const standard = await keys.newKey('standard', { extractable: true })
    expect(await answer(sseHeaders(standard.crn))).toMatch(/^400 InvalidRequest /)
    const disabled = await keys.newKey('disabled')
    await keys.act(disabled.id, 'disable')
    expect(await answer(sseHeaders(disabled.crn))).toMatch(/^400 InvalidRequest /)
    const deleted = await keys.newKey('deleted')
    await keys.remove(deleted.id)
    expect(await answer(sseHeaders(deleted.crn))).toMatch(/^400 InvalidRequest /)
  })

  it('wants both headers, the one algorithm, and a CRN of a key', async () => {
    const { id, crn } = await keys.newKey('headers')
    const invalid = /^400 InvalidArgument /
    expect(await answer({ [ROOT_KEY]: crn })).toMatch(/^400 InvalidRequest /)
    expect(await answer({ [ALGORITHM]: 'AES256' })).toMatch(/^400 InvalidRequest /)
    for (const algorithm of ['aes256', 'AES128', '']) {
      expect(await answer({ ...sseHeaders(crn), [ALGORITHM]: algorithm })).toMatch(invalid)
    }
    const noType =
      '400 InvalidArgument The resource type is missing or the specified value is not valid. Supported value: "key".'
    expect(await answer(sseHeaders(kmsCrn('', { type: '' })))).toBe(noType)
    expect(await answer(sseHeaders(kmsCrn(id, { type: 'ring' })))).toBe(noType)
    const hsCrypto = '400 InvalidRequest Server Side Encryption with hs-crypto is not enabled.'
    expect(await answer(sseHeaders(crn.replace(':kms:', ':hs-crypto:')))).toBe(hsCrypto)
    for (const broken of [
      '',
      'key',
      id,
      'crn:v1:bluemix',
      `${crn}`.replace('crn:v1', 'crn:v2'),
      crn.replace('a/', ''),
    ]) {
      expect(await answer(sseHeaders(broken))).toMatch(invalid)
    }
    expect(await answer(sseHeaders(objectStorageCrn(mainAccount)))).toBe(NOT_FOUND)
  })

  it('leaves no bucket and no registration when it is refused', async () => {
    const { id, crn } = await keys.newKey('nothing left')
    await answer(sseHeaders(crn), { body: location('eu-de-standard') })
    await answer({ ...sseHeaders(crn), [ALGORITHM]: 'AES128' })
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: '/refused' })).status).toBe(404)
    expect(await keys.registrations(id)).toEqual([])
  })

  it('is not open to another account: neither with its own bucket nor ours', async () => {
    const { crn } = await lockable('of-main')
    expect(await answer(sseHeaders(crn), { account: otherAccount })).toBe(NOT_FOUND)
    for (const [method, path] of [
      ['GET', '/of-main/key'],
      ['PUT', '/of-main/key'],
      ['DELETE', '/of-main/key'],
      ['GET', '/of-main'],
      ['DELETE', '/of-main'],
    ] as const) {
      const reply = await sendRaw(test.s3Url, { method, path, account: otherAccount })
      expect([method, path, outcome(reply)]).toEqual([method, path, '403 AccessDenied'])
    }
  })
})

const KEY_LOSSES = [
  {
    loss: 'disabled',
    expected: '400 KMS.DisabledException',
    lose: async ({ id }: { id: string }) => {
      await keys.act(id, 'disable')
      return async () => void (await keys.act(id, 'enable'))
    },
  },
  {
    loss: 'deleted',
    expected: '400 KMS.NotFoundException',
    lose: async ({ id }: { id: string }) => {
      await keys.remove(id)
      return async () => void (await keys.restore(id))
    },
  },
  { loss: 'no longer authorized', expected: '403 AccessDenied', lose: async () => keys.withdrawAuthorizations() },
] as const

describe.each(KEY_LOSSES)('While the root key is $loss', ({ loss, expected, lose }) => {
  const bucket = `locked-${loss.replaceAll(' ', '-')}`
  const target = { Bucket: bucket, Key: 'key' }
  const upload = { Bucket: bucket, Key: 'upload' }
  let key: { id: string; crn: string }
  let etag: string | undefined
  let uploadId: string | undefined
  let partEtag: string | undefined
  let putBack: () => Promise<void>

  beforeAll(async () => {
    key = await lockable(bucket)
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload))
    uploadId = UploadId
    const part = { ...upload, UploadId: uploadId, PartNumber: 1, Body: 'part' }
    partEtag = (await s3.send(new UploadPartCommand(part))).ETag
    // Read a moment before, so that its DEK is in memory.
    etag = (await s3.send(new GetObjectCommand(target))).ETag
    expect(await text(bucket)).toBe('secret')
    putBack = await lose(key)
    await test.settled()
  })

  it('nothing is read', async () => {
    expect(await refusal(s3.send(new GetObjectCommand(target)))).toBe(expected)
    expect(await refusal(s3.send(new GetObjectCommand({ ...target, Range: 'bytes=0-1' })))).toBe(expected)
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: `/${bucket}/key` })).status).toBe(
      Number(expected.slice(0, 3)),
    )
    const copy = new CopyObjectCommand({ Bucket: 'plain', Key: 'copy', CopySource: `${bucket}/key` })
    expect(await refusal(s3.send(copy))).toBe(expected)
    expect(await refusal(s3.send(new HeadObjectCommand({ Bucket: 'plain', Key: 'copy' })))).toBe('404 NotFound')
  })

  it('nothing is written', async () => {
    expect(await refusal(s3.send(new PutObjectCommand({ ...target, Body: 'new' })))).toBe(expected)
    expect(await refusal(s3.send(new CopyObjectCommand({ ...target, CopySource: 'plain/key' })))).toBe(expected)
    expect(await refusal(s3.send(new CreateMultipartUploadCommand(target)))).toBe(expected)
    const part = { ...upload, UploadId: uploadId, PartNumber: 2 }
    expect(await refusal(s3.send(new UploadPartCommand({ ...part, Body: 'part' })))).toBe(expected)
    expect(await refusal(s3.send(new UploadPartCopyCommand({ ...part, CopySource: 'plain/key' })))).toBe(expected)
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: partEtag }] }
    const complete = new CompleteMultipartUploadCommand({ ...upload, UploadId: uploadId, MultipartUpload })
    expect(await refusal(s3.send(complete))).toBe(expected)
  })

  it('names, sizes and dates are listed, and no ETag', async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
    expect(Contents.map(({ Key, Size, ETag }) => [Key, Size, ETag])).toEqual([['key', 6, undefined]])
    expect(Contents[0]?.LastModified).toBeInstanceOf(Date)
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    expect(Uploads.map(({ Key }) => Key)).toEqual(['upload'])
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: `/${bucket}` })).headers[ROOT_KEY]).toBe(key.crn)
  })

  it('other buckets are not touched', async () => {
    expect(await text('plain')).toBe('plain')
  })

  it('all is readable again when it is put back, under the ETag it had', async () => {
    await putBack()
    expect(await text(bucket)).toBe('secret')
    const { ETag, Metadata } = await s3.send(new HeadObjectCommand(target))
    expect([ETag, Metadata]).toEqual([etag, { note: 'sealed' }])
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: partEtag }] }
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId: uploadId, MultipartUpload }))
    expect(await text(bucket, 'upload')).toBe('part')
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
    expect(Contents.every(({ ETag }) => ETag !== undefined)).toBe(true)
  })
})

describe.each(KEY_LOSSES)('A bucket whose root key is $loss', ({ loss, lose }) => {
  it('is emptied and deleted all the same', async () => {
    const bucket = `emptied-${loss.replaceAll(' ', '-')}`
    const key = await lockable(bucket)
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'second', Body: 'x' }))
    const upload = { Bucket: bucket, Key: 'upload' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload))
    const putBack = await lose(key)
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key' }))
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'second' }] } }))
    await s3.send(new AbortMultipartUploadCommand({ ...upload, UploadId }))
    expect(await refusal(s3.send(new DeleteBucketCommand({ Bucket: bucket })))).toBe('200')
    expect((await sendRaw(test.s3Url, { method: 'HEAD', path: `/${bucket}` })).status).toBe(404)
    await putBack()
  })
})

describe('A request that runs while the key is disabled', () => {
  const SIZE = 24 * 1024 * 1024

  it('as a download is cut, and never goes on', async () => {
    const key = await lockable('running-down')
    const body = contentBytes('running', SIZE)
    await s3.send(new PutObjectCommand({ Bucket: 'running-down', Key: 'large', Body: body }))
    const outgoing = startRaw(test.s3Url, signRaw(test.s3Url, { method: 'GET', path: '/running-down/large' }))
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(incoming.statusCode).toBe(200)
    const iterator = incoming.iterator({ destroyOnReturn: false })
    const received: Buffer[] = [(await iterator.next()).value]
    await keys.act(key.id, 'disable')
    await test.settled()
    // Five seconds later by the server's clock, which is the bound.
    offsetMs += 5000
    const ended = (async () => {
      for await (const chunk of iterator) received.push(chunk)
    })()
    await expect(ended).rejects.toThrow()
    const bytes = Buffer.concat(received)
    expect(bytes.length).toBeLessThan(SIZE)
    expect(bytes.equals(body.subarray(0, bytes.length))).toBe(true)
    await keys.act(key.id, 'enable')
  })

  it('as an upload is not stored', async () => {
    const key = await lockable('running-up')
    const signed = signRaw(test.s3Url, { method: 'PUT', path: '/running-up/large', payload: 'UNSIGNED-PAYLOAD' })
    const outgoing = startRaw(test.s3Url, { ...signed, headers: { ...signed.headers, 'content-length': '2000000' } })
    outgoing.write(Buffer.alloc(1_000_000))
    // The DEK is wrapped before the first byte is taken: once the server reads, the key was still good.
    await new Promise((resolve) => outgoing.once('drain', resolve))
    await keys.act(key.id, 'disable')
    await test.settled()
    outgoing.end(Buffer.alloc(1_000_000))
    expect(outcome(await replyOf(outgoing))).toBe('400 KMS.DisabledException')
    await keys.act(key.id, 'enable')
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'running-up', Key: 'large' })))).toBe('404 NoSuchKey')
  })
})

describe('Rotation of the root key', () => {
  it('keeps what was stored readable, changes no ETag, and serves what is stored next', async () => {
    const key = await lockable('rotated')
    const before = await s3.send(new HeadObjectCommand({ Bucket: 'rotated', Key: 'key' }))
    for (let round = 0; round < 3; round++) {
      await keys.act(key.id, 'rotate')
      expect(await text('rotated')).toBe('secret')
      const after = await s3.send(new HeadObjectCommand({ Bucket: 'rotated', Key: 'key' }))
      expect([after.ETag, after.LastModified]).toEqual([before.ETag, before.LastModified])
      await s3.send(new PutObjectCommand({ Bucket: 'rotated', Key: `after-${round}`, Body: `after ${round}` }))
    }
    for (let round = 0; round < 3; round++) expect(await text('rotated', `after-${round}`)).toBe(`after ${round}`)
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'rotated' }))
    expect(Contents.length).toBe(4)
    await keys.act(key.id, 'disable')
    await test.settled()
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'rotated', Key: 'key' })))).toBe(
      '400 KMS.DisabledException',
    )
  })

  it('holds over a restart, with the state that the key had', async () => {
    const first = await startHouse()
    onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
    const owner = await keyOwner(first.controlUrl)
    const { id, crn } = await owner.newKey('kept')
    await sendRaw(first.s3Url, { method: 'PUT', path: '/bucket', headers: sseHeaders(crn) })
    await first.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'kept' }))
    await owner.act(id, 'rotate')
    await owner.act(id, 'disable')
    await first.stop()
    await using second = await startHouse({ directory: first.directory })
    const get = () => second.client().send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
    expect(await refusal(get())).toBe('400 KMS.DisabledException')
    await (await keyOwner(second.controlUrl)).act(id, 'enable')
    expect(await (await get()).Body?.transformToString()).toBe('kept')
  })
})

describe('Server-side encryption asked for by request', () => {
  it('never takes an object from the customer', async () => {
    await lockable('sse')
    const put = (sse: string) =>
      sendRaw(test.s3Url, {
        method: 'PUT',
        path: '/sse/key',
        body: 'x',
        headers: { 'x-amz-server-side-encryption': sse },
      })
    expect(outcome(await put('AES256'))).toBe('400 InvalidRequest')
    expect(outcome(await put('rot13'))).toBe('400 InvalidArgument')
    expect(await text('sse')).toBe('secret')
    const done = await put('aws:kms')
    expect(outcome(done)).toBe('200')
    expect(done.headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(
      done.headers['ibm-sse-kp-customer-root-key-crn'],
    )
  })
})

describe('A bucket that is deleted and made again at the same time', () => {
  it('is registered at its key exactly when it is there', async () => {
    const key = await keys.newKey('again and again')
    await putBucket('again', sseHeaders(key.crn))
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        sendRaw(test.s3Url, { method: 'DELETE', path: '/again' }),
        putBucket('again', sseHeaders(key.crn)),
      ])
      const there = (await sendRaw(test.s3Url, { method: 'HEAD', path: '/again' })).status === 200
      expect((await keys.registrations(key.id)).length).toBe(there ? 1 : 0)
    }
  })
})
