import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { awsChunked, type ChunkedOptions, flipped } from '../support/aws-chunked.ts'
import { contentBytes } from '../support/content.ts'
import { createUpload } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, type RawS3Reply, replyOf, signRaw, startRaw } from '../support/raw-s3.ts'
import { base64 } from '../support/reference-checksums.ts'

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const KINDS = [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] as const
type Kind = (typeof KINDS)[number]

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

interface Sent {
  readonly kind: Kind
  readonly body: Buffer
  readonly key?: string
  readonly query?: Record<string, string>
  readonly chunkBytes?: number
  readonly headers?: Record<string, string>
  readonly trailer?: Record<string, string>
  readonly forge?: NonNullable<ChunkedOptions['forge']>
  /** What is done to the encoded body. */
  readonly damage?: (encoded: Buffer) => Buffer
}

async function send({
  kind,
  body,
  key = 'key',
  query = {},
  chunkBytes = 65_536,
  damage = (encoded) => encoded,
  ...more
}: Sent): Promise<RawS3Reply> {
  const trails = kind !== SIGNED
  const trailer = more.trailer ?? { 'x-amz-checksum-crc32c': base64('CRC32C', body) }
  const signed = signRaw(test.s3Url, {
    method: 'PUT',
    path: `/${test.bucket}/${key}`,
    query,
    payload: kind,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(body.length),
      ...(trails ? { 'x-amz-trailer': 'x-amz-checksum-crc32c' } : {}),
      ...more.headers,
    },
  })
  const encoded = damage(
    awsChunked(body, {
      chunkBytes,
      ...(kind === UNSIGNED_TRAILER ? {} : { seed: signed.seed }),
      ...(trails ? { trailer } : {}),
      ...(more.forge ? { forge: more.forge } : {}),
    }),
  )
  const outgoing = startRaw(test.s3Url, {
    ...signed,
    headers: { ...signed.headers, 'content-length': String(encoded.length) },
  })
  outgoing.end(encoded)
  return replyOf(outgoing)
}

describe.each(KINDS)('%s', (kind) => {
  const body = contentBytes('chunked', 300_000)
  let before: string[] = []
  beforeEach(async () => {
    await test.put('key', 'before')
    before = await test.blobs()
  })
  /** Neither visible nor on the disk. */
  async function nothingHappened(): Promise<void> {
    expect((await test.get('key')).bytes.toString()).toBe('before')
    expect(await test.blobs()).toEqual(before)
    expect(await test.blobFiles()).toHaveLength(before.filter((id) => id.includes('/f/')).length)
  }

  it.each([0, 1, 65_535, 65_536, 65_537, 300_000])('stores %i bytes without the framing', async (size) => {
    const content = contentBytes('framed', size)
    expect(outcome(await send({ kind, body: content }))).toBe('200')
    const { bytes, ContentEncoding, ContentLength } = await test.get('key')
    expect(bytes.equals(content)).toBe(true)
    expect({ ContentEncoding, ContentLength }).toEqual({ ContentEncoding: undefined, ContentLength: size })
  })

  it.each([8192, 10_000, 1_000_000])('takes chunks of %i bytes', async (chunkBytes) => {
    expect(outcome(await send({ kind, body, chunkBytes }))).toBe('200')
    expect((await test.get('key')).bytes.equals(body)).toBe(true)
  })

  it('keeps another encoding', async () => {
    expect(outcome(await send({ kind, body, headers: { 'content-encoding': 'aws-chunked,gzip' } }))).toBe('200')
    expect((await test.get('key')).ContentEncoding).toBe('gzip')
  })

  it('carries a part of an upload', async () => {
    const uploadId = await createUpload(test, 'parts')
    const query = { partNumber: '1', uploadId }
    expect(outcome(await send({ kind, body, key: 'parts', query }))).toBe('200')
    const stored = await test.blobs()
    expect(
      outcome(await send({ kind, body, key: 'parts', query, damage: (encoded) => encoded.subarray(0, -10) })),
    ).toMatch(/^400 /)
    expect(await test.blobs()).toEqual(stored)
    await test.raw({ method: 'DELETE', key: 'parts', query: { uploadId } })
  })

  it.each([1, -1, 65_536])('refuses a decoded length that is off by %i', async (by) => {
    for (const content of [body, contentBytes('short', 1000 + Math.abs(by))]) {
      const headers = { 'x-amz-decoded-content-length': String(content.length + by) }
      expect(outcome(await send({ kind, body: content, headers }))).toBe('400 IncompleteBody')
      await nothingHappened()
    }
  })

  it('refuses a body without its decoded length', async () => {
    expect(outcome(await send({ kind, body, headers: { 'x-amz-decoded-content-length': '' } }))).toMatch(/^4(00|11) /)
    await nothingHappened()
  })

  it.each<[string, (encoded: Buffer) => Buffer]>([
    ['ends before the last chunk', (encoded) => encoded.subarray(0, 200_000)],
    ['lacks its last line', (encoded) => encoded.subarray(0, -2)],
    ['goes on after its end', (encoded) => Buffer.concat([encoded, Buffer.from('5\r\nhello\r\n')])],
    ['is empty', () => Buffer.alloc(0)],
    ['is not chunked', () => body],
    ['has a size that is no number', (encoded) => Buffer.concat([Buffer.from('zz'), encoded.subarray(2)])],
    ['has a size beyond all bounds', (encoded) => Buffer.concat([Buffer.from('ffffffffffff'), encoded])],
  ])('refuses a body that %s', async (_, damage) => {
    expect(outcome(await send({ kind, body, damage }))).toMatch(/^400 /)
    await nothingHappened()
  })

  if (kind !== UNSIGNED_TRAILER) {
    it.each([0, 2, 4, -1])('refuses a flipped signature of chunk %i', async (which) => {
      const forge = (signature: string, chunk: number | 'trailer') => (chunk === which ? flipped(signature) : signature)
      expect(outcome(await send({ kind, body, forge }))).toBe('403 SignatureDoesNotMatch')
      await nothingHappened()
    })

    it('refuses a flipped byte of the content', async () => {
      const damage = (encoded: Buffer) => {
        const copy = Buffer.from(encoded)
        copy[250_000] = (copy[250_000] ?? 0) ^ 1
        return copy
      }
      expect(outcome(await send({ kind, body, damage }))).toBe('403 SignatureDoesNotMatch')
      await nothingHappened()
    })

    it('refuses chunks in another order', async () => {
      const same = Buffer.alloc(3 * 65_536, 'x')
      let first = ''
      const forge = (signature: string, chunk: number | 'trailer') => {
        if (chunk === 0) first = signature
        return chunk === 1 ? first : signature
      }
      expect(outcome(await send({ kind, body: same, forge }))).toBe('403 SignatureDoesNotMatch')
      await nothingHappened()
    })

    it('refuses chunks without signatures', async () => {
      const damage = (): Buffer => awsChunked(body, { chunkBytes: 65_536 })
      expect(outcome(await send({ kind, body, damage }))).toMatch(/^400 /)
      await nothingHappened()
    })
  }

  if (kind === SIGNED_TRAILER) {
    it('refuses a flipped signature of the trailer, and a trailer without one', async () => {
      const forge = (signature: string, chunk: number | 'trailer') =>
        chunk === 'trailer' ? flipped(signature) : signature
      expect(outcome(await send({ kind, body, forge }))).toBe('403 SignatureDoesNotMatch')
      const damage = (encoded: Buffer) =>
        Buffer.from(encoded.toString('latin1').replace(/x-amz-trailer-signature:.*\r\n/, ''), 'latin1')
      expect(outcome(await send({ kind, body, damage }))).toBe('400 MalformedTrailerError')
      await nothingHappened()
    })

    it('refuses a trailer that was changed after it was signed', async () => {
      const [right, other] = [base64('CRC32C', body), base64('CRC32C', 'other')]
      const damage = (encoded: Buffer) => Buffer.from(encoded.toString('latin1').replace(right, other), 'latin1')
      expect(outcome(await send({ kind, body, damage }))).toBe('403 SignatureDoesNotMatch')
      await nothingHappened()
    })
  }

  if (kind !== SIGNED) {
    it.each<[string, Record<string, string>, string]>([
      ['with a wrong checksum', { 'x-amz-checksum-crc32c': base64('CRC32C', 'other') }, '400 BadDigest'],
      ['with no checksum', { 'x-amz-checksum-crc32c': '' }, '400 '],
      ['of another name', { 'x-amz-checksum-sha1': base64('SHA1', body) }, '400 MalformedTrailerError'],
      ['that is none', {}, '400 MalformedTrailerError'],
      [
        'and one more',
        { 'x-amz-checksum-crc32c': base64('CRC32C', body), 'x-amz-meta-late': '1' },
        '400 MalformedTrailerError',
      ],
    ])('refuses a trailer %s', async (_, trailer, expected) => {
      expect(outcome(await send({ kind, body, trailer }))).toContain(expected)
      await nothingHappened()
    })

    it('refuses to announce what may not trail', async () => {
      for (const announced of ['x-amz-meta-a', 'x-amz-checksum-md4', 'x-amz-checksum-crc32,x-amz-checksum-sha1']) {
        expect(outcome(await send({ kind, body, headers: { 'x-amz-trailer': announced } })), announced).toBe(
          '400 InvalidRequest',
        )
      }
      await nothingHappened()
    })
  } else {
    it('refuses to announce a trailer that the payload has not', async () => {
      expect(outcome(await send({ kind, body, headers: { 'x-amz-trailer': 'x-amz-checksum-crc32c' } }))).toBe(
        '400 InvalidRequest',
      )
      await nothingHappened()
    })
  }

  it('of a key that did not exist leaves it so when refused', async () => {
    expect(outcome(await send({ kind, body, key: 'never', damage: (encoded) => encoded.subarray(0, -1) }))).toMatch(
      /^400 /,
    )
    expect(await refusal(test.get('never'))).toBe('404 NoSuchKey')
    await nothingHappened()
  })
})

it('an unknown streaming payload is refused', async () => {
  for (const payload of ['STREAMING-AWS4-HMAC-SHA512-PAYLOAD', 'STREAMING', 'unsigned-payload', 'x'.repeat(64)]) {
    expect(outcome(await test.raw({ method: 'PUT', key: 'unknown', body: 'x', payload }))).toBe('400 InvalidArgument')
  }
  expect(
    outcome(
      await test.raw({ method: 'PUT', key: 'unknown', body: 'x', payload: 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }),
    ),
  ).toBe('501 NotImplemented')
})
