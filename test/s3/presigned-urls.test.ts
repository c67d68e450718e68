import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete, createUpload } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

let test: ObjectHouse
let nowMs = Date.now()
beforeAll(async () => {
  test = await startObjectHouse({ clock: { now: () => nowMs } })
})
afterAll(() => test[Symbol.asyncDispose]())

async function answer(
  url: string | URL,
  init: RequestInit = {},
): Promise<{ outcome: string; text: string; headers: Headers }> {
  const reply = await fetch(url, init)
  const text = await reply.text()
  const code = /<Code>(.*?)<\/Code>/.exec(text)?.[1]
  return { outcome: code ? `${reply.status} ${code}` : String(reply.status), text, headers: reply.headers }
}

const named = (key: string) => ({ Bucket: test.bucket, Key: key })

describe('a presigned URL', () => {
  it.each(['plain', 'a b+c/ü', "quote'(x)*!", 'a%2Fb', 'q?x=1&y#z'])('reads the key %j', async (key) => {
    await test.put(key, `body of ${key}`)
    const { outcome, text } = await answer(await getSignedUrl(test.s3, new GetObjectCommand(named(key))))
    expect({ outcome, text }).toEqual({ outcome: '200', text: `body of ${key}` })
  })

  it('writes with the headers that were signed', async () => {
    const command = new PutObjectCommand({
      ...named('written'),
      ContentType: 'text/x-signed',
      Metadata: { colour: 'red' },
    })
    const url = await getSignedUrl(test.s3, command, { signableHeaders: new Set(['content-type']) })
    expect((await answer(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/x-other' } })).outcome).toBe(
      '403 SignatureDoesNotMatch',
    )
    expect(
      (await answer(url, { method: 'PUT', body: 'written', headers: { 'content-type': 'text/x-signed' } })).outcome,
    ).toBe('200')
    const { bytes, ContentType, Metadata } = await test.get('written')
    expect({ body: bytes.toString(), ContentType, Metadata }).toEqual({
      body: 'written',
      ContentType: 'text/x-signed',
      Metadata: { colour: 'red' },
    })
  })

  it.each(['two words', '日', 'a:b'])('does not write metadata that no header could carry: %s', async (name) => {
    const command = new PutObjectCommand({ ...named('unnameable'), Metadata: { [name]: 'v' } })
    const url = await getSignedUrl(test.s3, command)
    expect((await answer(url, { method: 'PUT', body: 'x' })).outcome).toBe('400 InvalidArgument')
    expect(await refusal(test.get('unnameable'))).toBe('404 NoSuchKey')
  })

  it('heads, deletes and uploads a part', async () => {
    await test.put('others', 'x')
    expect(
      (
        await answer(await getSignedUrl(test.s3, new HeadObjectCommand(named('others'))), { method: 'HEAD' })
      ).headers.get('content-length'),
    ).toBe('1')
    expect(
      (await answer(await getSignedUrl(test.s3, new DeleteObjectCommand(named('others'))), { method: 'DELETE' }))
        .outcome,
    ).toBe('204')
    expect(await refusal(test.get('others'))).toBe('404 NoSuchKey')
    const UploadId = await createUpload(test, 'others')
    const url = await getSignedUrl(test.s3, new UploadPartCommand({ ...named('others'), UploadId, PartNumber: 1 }))
    const part = await answer(url, { method: 'PUT', body: 'part' })
    await complete(test, 'others', UploadId, [{ PartNumber: 1, ETag: part.headers.get('etag') ?? '' }])
    expect((await test.get('others')).bytes.toString()).toBe('part')
  })

  it('carries response-* parameters and takes a range', async () => {
    await test.put('range', 'hello')
    const url = await getSignedUrl(
      test.s3,
      new GetObjectCommand({ ...named('range'), ResponseContentType: 'text/x-late' }),
    )
    const { outcome, text, headers } = await answer(url, { headers: { range: 'bytes=1-2' } })
    expect({ outcome, text, type: headers.get('content-type') }).toEqual({
      outcome: '206',
      text: 'el',
      type: 'text/x-late',
    })
  })

  it('works until it expires, and not before its time', async () => {
    await test.put('timed', 'x')
    const start = nowMs
    const at = async (signedAtMs: number, usedAtMs: number, expiresIn: number) => {
      const url = await getSignedUrl(test.s3, new GetObjectCommand(named('timed')), {
        expiresIn,
        signingDate: new Date(signedAtMs),
      })
      nowMs = usedAtMs
      try {
        return (await answer(url)).outcome
      } finally {
        nowMs = start
      }
    }
    const second = Math.floor(start / 1000) * 1000
    expect(await at(second, second + 59_999, 60)).toBe('200')
    expect(await at(second, second + 60_000, 60)).toBe('403 AccessDenied')
    expect(await at(second, second + 604_799_000, 604_800)).toBe('200')
    expect(await at(second + 14 * 60_000, second, 3600)).toBe('200')
    expect(await at(second + 16 * 60_000, second, 3600)).toBe('403 AccessDenied')
  })

  it.each<[string, (url: URL) => void, string]>([
    [
      'another key',
      (url) => {
        url.pathname += 'x'
      },
      '403 SignatureDoesNotMatch',
    ],
    ['another life', (url) => url.searchParams.set('X-Amz-Expires', '901'), '403 SignatureDoesNotMatch'],
    ['one more parameter', (url) => url.searchParams.append('versionId', 'null'), '403 SignatureDoesNotMatch'],
    [
      'a flipped signature',
      (url) => url.searchParams.set('X-Amz-Signature', '0'.repeat(64)),
      '403 SignatureDoesNotMatch',
    ],
    ['no signature', (url) => url.searchParams.delete('X-Amz-Signature'), '400 AuthorizationQueryParametersError'],
    [
      'a life beyond a week',
      (url) => url.searchParams.set('X-Amz-Expires', '604801'),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'a life that is none',
      (url) => url.searchParams.set('X-Amz-Expires', 'long'),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'an unknown access key',
      (url) =>
        url.searchParams.set(
          'X-Amz-Credential',
          (url.searchParams.get('X-Amz-Credential') ?? '').replace(/^[^/]+/, 'NOBODY'),
        ),
      '403 InvalidAccessKeyId',
    ],
  ])('with %s is refused', async (_, change, expected) => {
    await test.put('changed', 'x')
    const url = new URL(await getSignedUrl(test.s3, new GetObjectCommand(named('changed')), { expiresIn: 900 }))
    expect((await answer(url)).outcome).toBe('200')
    change(url)
    expect((await answer(url)).outcome).toBe(expected)
  })

  it('for one method is refused for another', async () => {
    await test.put('method', 'x')
    const url = await getSignedUrl(test.s3, new GetObjectCommand(named('method')))
    expect((await answer(url, { method: 'PUT', body: 'y' })).outcome).toBe('403 SignatureDoesNotMatch')
    expect((await answer(url, { method: 'DELETE' })).outcome).toBe('403 SignatureDoesNotMatch')
    expect((await test.get('method')).bytes.toString()).toBe('x')
  })

  it('does not let through headers that were not signed', async () => {
    const url = await getSignedUrl(test.s3, new PutObjectCommand(named('unsigned-header')))
    const reply = await answer(url, { method: 'PUT', body: 'x', headers: { 'x-amz-meta-sneaked': '1' } })
    expect(reply.outcome).toBe('403 AccessDenied')
    expect(await refusal(test.get('unsigned-header'))).toBe('404 NoSuchKey')
  })

  it('is not taken together with an Authorization header', async () => {
    await test.put('both', 'x')
    const url = await getSignedUrl(test.s3, new GetObjectCommand(named('both')))
    expect((await answer(url, { headers: { authorization: 'AWS4-HMAC-SHA256 Credential=x' } })).outcome).toMatch(
      /^400 /,
    )
  })
})
