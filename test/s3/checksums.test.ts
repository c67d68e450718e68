import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awsChunked } from '../support/aws-chunked.ts'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, MIN_PART_BYTES, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'
import { ALGORITHMS, type Algorithm, base64, composite, headerOf } from '../support/reference-checksums.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const body = contentBytes('checksums', 300_000)
const parts = [contentBytes('sum 1', MIN_PART_BYTES), contentBytes('sum 2', 65_537)]
const whole = Buffer.concat(parts)

/** Puts without the SDK: it would add a checksum of its own. */
const put = (key: string, headers: Record<string, string>, content: Buffer | string = body) =>
  test.raw({ method: 'PUT', key, body: content, headers })
const get = (key: string, headers: Record<string, string> = { 'x-amz-checksum-mode': 'ENABLED' }) =>
  test.raw({ method: 'GET', key, headers })

it('the reference computes the published check values', () => {
  expect(
    Object.fromEntries(
      ALGORITHMS.slice(0, 3).map((name) => [name, Buffer.from(base64(name, '123456789'), 'base64').toString('hex')]),
    ),
  ).toEqual({
    CRC32: 'cbf43926',
    CRC32C: 'e3069283',
    CRC64NVME: 'ae8b14860a799888',
  })
})

describe.each(ALGORITHMS)('%s', (algorithm: Algorithm) => {
  const header = headerOf(algorithm)
  const right = base64(algorithm, body)
  const wrong = base64(algorithm, 'something else')

  it('in a header is verified, stored and answered', async () => {
    const reply = await put(`header-${algorithm}`, { [header]: right })
    expect(outcome(reply)).toBe('200')
    expect(reply.headers).toMatchObject({ [header]: right, 'x-amz-checksum-type': 'FULL_OBJECT' })
    const read = await get(`header-${algorithm}`)
    expect(read.headers).toMatchObject({ [header]: right, 'x-amz-checksum-type': 'FULL_OBJECT' })
    expect(read.body.equals(body)).toBe(true)
    expect((await get(`header-${algorithm}`, {})).headers[header]).toBeUndefined()
  })

  it('of an empty object is that of nothing', async () => {
    const none = base64(algorithm, '')
    expect((await put('empty', { [header]: none }, '')).headers[header]).toBe(none)
  })

  it('in a header that is wrong is refused, and nothing is kept', async () => {
    const before = await test.blobs()
    expect(outcome(await put(`wrong-${algorithm}`, { [header]: wrong }))).toBe('400 BadDigest')
    expect(await refusal(test.get(`wrong-${algorithm}`))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toEqual(before)
  })

  it.each(['', 'AAAA', '!', 'x'.repeat(44), `${Buffer.alloc(32).toString('base64')}\u00e4`])(
    'that is none (%j) is refused',
    async (bad) => {
      expect(outcome(await put('none', { [header]: bad }))).toBe('400 BadDigest')
    },
  )

  const trailing = (value: string) => {
    const chunked = awsChunked(body, { chunkBytes: 65_536, trailer: { [header]: value } })
    return test.raw({
      method: 'PUT',
      key: `trailer-${algorithm}`,
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'x-amz-trailer': header,
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(body.length),
      },
      body: chunked,
    })
  }

  it('in a trailer is verified, stored and answered', async () => {
    const reply = await trailing(right)
    expect(outcome(reply)).toBe('200')
    expect(reply.headers[header]).toBe(right)
    expect((await get(`trailer-${algorithm}`)).headers[header]).toBe(right)
  })

  it('in a trailer that is wrong is refused, and the object before stays', async () => {
    await trailing(right)
    const before = await test.blobs()
    expect(outcome(await trailing(wrong))).toBe('400 BadDigest')
    expect(outcome(await trailing('nonsense'))).toMatch(/^400 /)
    expect((await get(`trailer-${algorithm}`)).headers[header]).toBe(right)
    expect(await test.blobs()).toEqual(before)
  })

  it('by the SDK, of a buffer and of a stream, is the same', async () => {
    const sums: (string | undefined)[] = []
    for (const content of [body, Readable.from([body.subarray(0, 100_000), body.subarray(100_000)])]) {
      const reply = await test.put(`sdk-${algorithm}`, content, {
        ChecksumAlgorithm: algorithm,
        ContentLength: body.length,
      })
      sums.push(reply[`Checksum${algorithm}`])
    }
    expect(sums).toEqual([right, right])
    // The SDK verifies what it reads when it asks for the checksum.
    const { bytes, ...read } = await test.get(`sdk-${algorithm}`, { ChecksumMode: 'ENABLED' })
    expect(read[`Checksum${algorithm}`]).toBe(right)
    expect(bytes.equals(body)).toBe(true)
  })

  it('of an object that lib-storage uploads in parts is what it says it is', async () => {
    const key = `lib-storage-${algorithm}`
    const params = { Bucket: test.bucket, Key: key, Body: Readable.from(whole), ChecksumAlgorithm: algorithm }
    await new Upload({ client: test.s3, params, partSize: MIN_PART_BYTES }).done()
    const head = await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: key, ChecksumMode: 'ENABLED' }))
    const full = head.ChecksumType === 'FULL_OBJECT'
    expect(head[`Checksum${algorithm}`]).toBe(full ? base64(algorithm, whole) : composite(algorithm, parts))
    expect((await test.get(key)).bytes.equals(whole)).toBe(true)
    const { Contents } = await test.s3.send(new ListObjectsV2Command({ Bucket: test.bucket, Prefix: key }))
    expect(Contents?.[0]).toMatchObject({ ChecksumAlgorithm: [algorithm], ChecksumType: head.ChecksumType })
  })

  const kinds =
    algorithm === 'CRC64NVME'
      ? ['FULL_OBJECT' as const]
      : algorithm.startsWith('SHA')
        ? ['COMPOSITE' as const]
        : ['FULL_OBJECT' as const, 'COMPOSITE' as const]

  it.each(kinds)('of an object in parts as %s', async (kind) => {
    const key = `${kind}-${algorithm}`
    const expected = kind === 'COMPOSITE' ? composite(algorithm, parts) : base64(algorithm, whole)
    const uploadId = await createUpload(test, key, { ChecksumAlgorithm: algorithm, ChecksumType: kind })
    const sent = await Promise.all(
      parts.map((part, index) => sendPart(test, key, uploadId, index + 1, part, { ChecksumAlgorithm: algorithm })),
    )
    expect(sent.map((part) => part[`Checksum${algorithm}`])).toEqual(parts.map((part) => base64(algorithm, part)))
    const claim = (value: string) => ({ [`Checksum${algorithm}`]: value, ChecksumType: kind })
    expect(
      await refusal(
        complete(test, key, uploadId, sent, claim(kind === 'COMPOSITE' ? composite(algorithm, [whole]) : wrong)),
      ),
    ).toBe('400 BadDigest')
    const damaged = sent.map((part, index) => (index === 0 ? { ...part, [`Checksum${algorithm}`]: wrong } : part))
    expect(await refusal(complete(test, key, uploadId, damaged))).toBe('400 InvalidPart')
    const other = kind === 'COMPOSITE' ? 'FULL_OBJECT' : 'COMPOSITE'
    expect(await refusal(complete(test, key, uploadId, sent, { ChecksumType: other }))).toBe('400 InvalidRequest')
    expect(await refusal(test.get(key))).toBe('404 NoSuchKey')

    const done = await complete(test, key, uploadId, sent, claim(expected))
    expect(done).toMatchObject({ [`Checksum${algorithm}`]: expected, ChecksumType: kind })
    const read = await test.get(key, { ChecksumMode: 'ENABLED' })
    expect(read).toMatchObject({ [`Checksum${algorithm}`]: expected, ChecksumType: kind })
    expect(read.bytes.equals(whole)).toBe(true)
  })

  it('of one part of an object is that of the part', async () => {
    const key = `part-${algorithm}`
    const uploadId = await createUpload(test, key, { ChecksumAlgorithm: algorithm })
    const sent = await Promise.all(
      parts.map((part, index) => sendPart(test, key, uploadId, index + 1, part, { ChecksumAlgorithm: algorithm })),
    )
    await complete(test, key, uploadId, sent)
    for (const [index, part] of parts.entries()) {
      const command = new GetObjectCommand({
        Bucket: test.bucket,
        Key: key,
        PartNumber: index + 1,
        ChecksumMode: 'ENABLED',
      })
      const reply = await test.s3.send(command)
      await reply.Body?.transformToByteArray()
      expect(reply[`Checksum${algorithm}`]).toBe(base64(algorithm, part))
    }
  })
})

describe('checksums', () => {
  it('may be one at a time', async () => {
    expect(
      outcome(
        await put('two', { [headerOf('CRC32')]: base64('CRC32', body), [headerOf('SHA1')]: base64('SHA1', body) }),
      ),
    ).toBe('400 InvalidRequest')
  })

  it('may be that and a Content-MD5', async () => {
    const md5 = createHash('md5').update(body).digest('base64')
    const headers = { 'content-md5': md5, [headerOf('CRC32')]: base64('CRC32', body) }
    expect(outcome(await put('md5', headers))).toBe('200')
    expect(outcome(await put('md5', { ...headers, 'content-md5': Buffer.alloc(16).toString('base64') }))).toBe(
      '400 BadDigest',
    )
  })

  it('of an unknown kind are refused', async () => {
    expect(outcome(await put('unknown', { 'x-amz-checksum-md4': 'AAAA' }))).toBe('400 InvalidRequest')
    expect(
      outcome(
        await put('unknown', { 'x-amz-sdk-checksum-algorithm': 'MD4', [headerOf('CRC32')]: base64('CRC32', body) }),
      ),
    ).toBe('400 InvalidRequest')
  })

  it('that are announced must come, and be those that were announced', async () => {
    expect(outcome(await put('announced', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }))).toBe('400 InvalidRequest')
    expect(
      outcome(
        await put('announced', { 'x-amz-sdk-checksum-algorithm': 'SHA1', [headerOf('CRC32')]: base64('CRC32', body) }),
      ),
    ).toBe('400 InvalidRequest')
  })

  it('are gone when the object is replaced without one', async () => {
    await put('replaced', { [headerOf('SHA256')]: base64('SHA256', body) })
    await put('replaced', {})
    expect((await get('replaced')).headers[headerOf('SHA256')]).toBeUndefined()
  })
})
