import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, objectStorageCrn, type TestAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, type RawS3Request, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'
import { bearer, sendPlain } from '../support/send.ts'

let offsetMs = 0
let test: TestHouse
beforeAll(async () => {
  test = await startHouse({ accounts: [mainAccount, otherAccount], clock: { now: () => Date.now() + offsetMs } })
  await test.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await test.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'body' }))
})
afterAll(() => test[Symbol.asyncDispose]())

const GET: RawS3Request = { method: 'GET', path: '/bucket/key' }
const withUser = (user: Partial<TestAccount['user']>): TestAccount => ({
  ...mainAccount,
  user: { ...mainAccount.user, ...user },
})
/** Signs one request and sends another. */
const resend = async (
  signed: RawS3Request,
  changed: { method?: string; target?: string; headers?: Record<string, string> },
) => {
  const original = signRaw(test.s3Url, signed)
  const { method = original.method, target = original.target, headers = {} } = changed
  const outgoing = startRaw(test.s3Url, { method, target, headers: { ...original.headers, ...headers } })
  outgoing.end()
  return outcome(await replyOf(outgoing))
}
const at = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
  offsetMs = ms
  try {
    return await work()
  } finally {
    offsetMs = 0
  }
}
const MINUTE = 60_000

describe('A signature', () => {
  it('lets its owner in', async () => {
    expect(outcome(await sendRaw(test.s3Url, GET))).toBe('200')
  })

  it('of an unknown access key is refused', async () => {
    for (const accessKeyId of [
      'NOSUCHKEY',
      '__proto__',
      'constructor',
      'toString',
      mainAccount.user.accessKeyId.toLowerCase(),
    ]) {
      const reply = await sendRaw(test.s3Url, { ...GET, account: withUser({ accessKeyId }) })
      expect([accessKeyId, outcome(reply)]).toEqual([accessKeyId, '403 InvalidAccessKeyId'])
    }
  })

  it('under another secret is refused', async () => {
    for (const secretAccessKey of ['wrong', '', `${mainAccount.user.secretAccessKey} `]) {
      const reply = await sendRaw(test.s3Url, { ...GET, account: withUser({ secretAccessKey }) })
      expect(outcome(reply)).toBe('403 SignatureDoesNotMatch')
    }
  })

  it('is for one method, path, query and host', async () => {
    const mismatch = '403 SignatureDoesNotMatch'
    expect(await resend(GET, { method: 'DELETE' })).toBe(mismatch)
    expect(await resend(GET, { target: '/bucket/key2' })).toBe(mismatch)
    expect(await resend(GET, { target: '/bucket//key' })).toBe(mismatch)
    expect(await resend(GET, { target: '/bucket/key?versionId=null' })).toBe(mismatch)
    expect(await resend({ ...GET, query: { versionId: 'null' } }, { target: '/bucket/key' })).toBe(mismatch)
    expect(await resend(GET, { headers: { host: 'elsewhere' } })).toBe(mismatch)
  })

  it('covers every header that means something', async () => {
    for (const name of ['x-amz-copy-source', 'x-amz-meta-a', 'x-amz-acl', 'ibm-service-instance-id']) {
      expect(await resend(GET, { headers: { [name]: 'x' } })).toBe('403 AccessDenied')
    }
    expect(await resend({ ...GET, headers: { 'x-amz-meta-a': '1' } }, { headers: { 'x-amz-meta-a': '2' } })).toBe(
      '403 SignatureDoesNotMatch',
    )
  })

  it('holds fifteen minutes to either side', async () => {
    for (const minutes of [-14, 14]) {
      expect(await at(minutes * MINUTE, async () => outcome(await sendRaw(test.s3Url, GET)))).toBe('200')
    }
    for (const minutes of [-16, 16, -24 * 60, 24 * 60]) {
      const reply = await at(minutes * MINUTE, () => sendRaw(test.s3Url, GET))
      expect([minutes, reply.status]).toEqual([minutes, 403])
      expect(reply.code).toBe('RequestTimeTooSkewed')
    }
  })

  it('is one only: with another beside it, or twice, it is refused', async () => {
    const url = new URL(await getSignedUrl(test.client(), new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })))
    const target = `${url.pathname}${url.search}`
    const both = signRaw(test.s3Url, GET).headers['authorization'] ?? ''
    expect(outcome(await sendPlain(test.s3Url, { method: 'GET', target, headers: { authorization: both } }))).toBe(
      '400 InvalidArgument',
    )
    expect(outcome(await sendPlain(test.s3Url, { method: 'GET', target }))).toBe('200')
    const token = await iamToken(test.controlUrl)
    expect(outcome(await sendPlain(test.s3Url, { method: 'GET', target, headers: bearer(token) }))).toBe(
      '400 InvalidArgument',
    )
  })

  it.each([
    ['AWS4-HMAC-SHA256', 400],
    ['AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=00', 403],
    ['AWS AKID:signature', 400],
    ['Basic dXNlcjpwYXNz', 400],
    ['Bearer', 403],
    ['Bearer ', 403],
    ['Bearer a.b.c', 403],
    ['bearer x', 403],
    ['AWS4-ECDSA-P256-SHA256 Credential=x', 501],
    ['', 400],
  ])('is not %j', async (authorization, status) => {
    const reply = await sendPlain(test.s3Url, { method: 'GET', target: '/bucket/key', headers: { authorization } })
    expect([authorization, reply.status]).toEqual([authorization, status])
    expect(reply.code).not.toBe('')
  })
})

describe('A presigned URL', () => {
  const presign = async (expiresIn = 300) => {
    const url = new URL(
      await getSignedUrl(test.client(), new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }), { expiresIn }),
    )
    return `${url.pathname}${url.search}`
  }
  const get = async (target: string, method = 'GET') => outcome(await sendPlain(test.s3Url, { method, target }))

  it('is good for its time and its method', async () => {
    const target = await presign(120)
    expect(await get(target)).toBe('200')
    expect(await at(119_000, () => get(target))).toBe('200')
    expect(await at(125_000, () => get(target))).toBe('403 AccessDenied')
    expect(await get(target, 'DELETE')).toBe('403 SignatureDoesNotMatch')
  })

  it('is not stretched, moved or added to', async () => {
    const target = await presign()
    expect(await get(target.replace('X-Amz-Expires=300', 'X-Amz-Expires=604800'))).toBe('403 SignatureDoesNotMatch')
    expect(await get(target.replace('/bucket/key?', '/bucket/other?'))).toBe('403 SignatureDoesNotMatch')
    expect(await get(`${target}&response-content-type=text/html`)).toBe('403 SignatureDoesNotMatch')
    expect(await get(`${target}&X-Amz-Expires=300`)).toBe('400 AuthorizationQueryParametersError')
    const added = await sendPlain(test.s3Url, { method: 'GET', target, headers: { 'x-amz-copy-source': 'bucket/key' } })
    expect(outcome(added)).toBe('403 AccessDenied')
  })
})

describe('An IAM token', () => {
  const get = async (headers: Record<string, string>, target = '/bucket/key', method = 'GET') =>
    sendPlain(test.s3Url, { method, target, headers })

  it('reads and writes as its user does', async () => {
    const token = await iamToken(test.controlUrl)
    const put = await sendPlain(test.s3Url, {
      method: 'PUT',
      target: '/bucket/by-token',
      headers: bearer(token),
      body: 'token',
    })
    expect(outcome(put)).toBe('200')
    expect((await get(bearer(token), '/bucket/by-token')).body.toString()).toBe('token')
    expect(outcome(await get(bearer(token), '/bucket/by-token', 'DELETE'))).toBe('204')
  })

  it('ends after its hour', async () => {
    const token = await iamToken(test.controlUrl)
    expect(await at(59 * MINUTE, async () => outcome(await get(bearer(token))))).toBe('200')
    expect(await at(61 * MINUTE, async () => outcome(await get(bearer(token))))).toBe('403 AccessDenied')
  })

  it('is not forged', async () => {
    const token = await iamToken(test.controlUrl)
    const [head = '', payload = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const forged = encode({
      ...claims,
      iam_id: otherAccount.user.iamId,
      account: { ...claims.account, bss: otherAccount.id },
    })
    const kid = JSON.parse(Buffer.from(head, 'base64url').toString()).kid
    for (const bad of [
      `${head}.${forged}.${signature}`,
      `${encode({ alg: 'none', kid })}.${payload}.`,
      `${encode({ alg: 'HS256', kid })}.${payload}.${signature}`,
      `${head}.${payload}`,
      `${head}.${payload}.${signature.slice(0, -2)}AA`,
      `${token}.x`,
      'x'.repeat(20_000),
    ]) {
      expect([bad.slice(0, 40), outcome(await get(bearer(bad)))]).toEqual([bad.slice(0, 40), '403 AccessDenied'])
    }
  })

  it('acts in the instance that it names, by CRN or GUID, when it is of its account', async () => {
    const token = await iamToken(test.controlUrl)
    const list = async (instance?: string) => outcome(await get(bearer(token, instance), '/'))
    expect(await list()).toBe('200')
    expect(await list(objectStorageCrn(mainAccount))).toBe('200')
    expect(await list(mainAccount.objectStorageInstance)).toBe('200')
    expect(await list(objectStorageCrn(otherAccount))).toBe('403 AccessDenied')
    expect(await list(mainAccount.keyProtectInstance)).toBe('403 AccessDenied')
    expect(await list('nowhere')).toBe('403 AccessDenied')
    const create = await sendPlain(test.s3Url, {
      method: 'PUT',
      target: '/in-instance',
      headers: bearer(token, objectStorageCrn(mainAccount)),
    })
    expect(outcome(create)).toBe('200')
    expect((await get(bearer(token), '/')).body.toString()).toContain('<Name>in-instance</Name>')
  })

  it('of a service gives no right to objects, not even to its own instance', async () => {
    const access = await iamToken(test.controlUrl)
    const reply = await fetch(`${test.controlUrl}/identity/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ibm:params:oauth:grant-type:iam-authz',
        access_token: access,
        desired_iam_id: `crn-${objectStorageCrn(mainAccount)}`,
      }),
    })
    const { access_token: service } = (await reply.json()) as { access_token: string }
    expect(service).toBeTruthy()
    for (const target of ['/', '/bucket', '/bucket/key']) {
      expect(outcome(await get(bearer(service), target))).toBe('403 AccessDenied')
    }
  })

  it('sends its body with unsigned chunks or a hash, which are checked', async () => {
    const token = await iamToken(test.controlUrl)
    const headers = { ...bearer(token), 'x-amz-content-sha256': '0'.repeat(64) }
    const wrong = await sendPlain(test.s3Url, { method: 'PUT', target: '/bucket/hashed', headers, body: 'x' })
    expect(outcome(wrong)).toBe('400 XAmzContentSHA256Mismatch')
    const signed = {
      ...bearer(token),
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'x-amz-decoded-content-length': '1',
    }
    const chunks = await sendPlain(test.s3Url, {
      method: 'PUT',
      target: '/bucket/hashed',
      headers: signed,
      body: '1\r\nx\r\n0\r\n\r\n',
    })
    expect(outcome(chunks)).toBe('400 InvalidRequest')
    expect(outcome(await get(bearer(token), '/bucket/hashed'))).toBe('404 NoSuchKey')
  })
})
