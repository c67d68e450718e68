import { createHash } from 'node:crypto'
import { CompleteMultipartUploadCommand, HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { complete, createUpload, MIN_PART_BYTES, sendPart, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const md5 = (...parts: Buffer[]) => createHash('md5').update(Buffer.concat(parts)).digest()
const post = (key: string, uploadId: string, body: string, headers: Record<string, string> = {}) =>
  test.raw({ method: 'POST', key, query: { uploadId }, body, headers })
const document = (...parts: [number | string, string][]) =>
  `<CompleteMultipartUpload>${parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join('')}</CompleteMultipartUpload>`

describe('CompleteMultipartUpload', () => {
  it('makes an object of the parts in order', async () => {
    const bodies = [contentBytes('1', MIN_PART_BYTES), contentBytes('2', MIN_PART_BYTES + 12_345), contentBytes('3', 1)]
    const { ETag, Bucket, Key, Location, ServerSideEncryption } = await uploadInParts(test, 'dir/three parts', bodies)
    expect(ETag).toBe(`"${md5(...bodies.map((body) => md5(body))).toString('hex')}-3"`)
    expect({ Bucket, Key, ServerSideEncryption }).toEqual({
      Bucket: test.bucket,
      Key: 'dir/three parts',
      ServerSideEncryption: 'AES256',
    })
    expect(Location).toBe(`${test.s3Url}/${test.bucket}/dir/three%20parts`)
    const read = await test.get('dir/three parts')
    expect(read.bytes.equals(Buffer.concat(bodies))).toBe(true)
    expect(read.ETag).toBe(ETag)
    const { Uploads } = await test.s3.send(new ListMultipartUploadsCommand({ Bucket: test.bucket, Prefix: 'dir/' }))
    expect(Uploads).toBeUndefined()
  })

  it('makes an object of one small part, or of an empty one', async () => {
    const { ETag } = await uploadInParts(test, 'one', [Buffer.from('small')])
    expect(ETag).toBe(`"${md5(md5(Buffer.from('small'))).toString('hex')}-1"`)
    await uploadInParts(test, 'none', [Buffer.alloc(0)])
    expect((await test.get('none')).ContentLength).toBe(0)
  })

  it('drops the parts that are not named, and their bytes', async () => {
    const before = await test.blobs()
    const uploadId = await createUpload(test, 'chosen')
    await sendPart(test, 'chosen', uploadId, 1, 'not this')
    const part = await sendPart(test, 'chosen', uploadId, 7, 'this')
    await sendPart(test, 'chosen', uploadId, 9, contentBytes('nor this', 400_000))
    await complete(test, 'chosen', uploadId, [part])
    expect((await test.get('chosen')).bytes.toString()).toBe('this')
    expect(await test.blobs()).toHaveLength(before.length + 1)
  })

  it('replaces an object and frees its bytes', async () => {
    await test.put('replaced', contentBytes('before', 500_000))
    const before = await test.blobs()
    await uploadInParts(test, 'replaced', [Buffer.from('after')])
    expect((await test.get('replaced')).bytes.toString()).toBe('after')
    expect(await test.blobs()).toHaveLength(before.length)
    await uploadInParts(test, 'replaced', [Buffer.from('again')])
    expect(await test.blobs()).toHaveLength(before.length)
  })

  it('answers a repetition as it answered the first time, for as long as the object is there', async () => {
    const { uploadId, parts, ETag } = await uploadInParts(test, 'repeated', [Buffer.from('x')], {
      create: { ChecksumAlgorithm: 'SHA256' },
      part: { ChecksumAlgorithm: 'SHA256' },
    })
    const again = await complete(test, 'repeated', uploadId, parts)
    expect(again.ETag).toBe(ETag)
    expect(again.ChecksumSHA256).toMatch(/-1$/)
    await test.put('repeated', 'another')
    expect(await refusal(complete(test, 'repeated', uploadId, parts))).toBe('404 NoSuchUpload')
    expect((await test.get('repeated')).bytes.toString()).toBe('another')
  })

  it('of many at once makes one object, and all succeed', async () => {
    const before = await test.blobs()
    const uploadId = await createUpload(test, 'together')
    const parts = [await sendPart(test, 'together', uploadId, 1, 'x')]
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => refusal(complete(test, 'together', uploadId, parts))),
    )
    expect(new Set(outcomes)).toEqual(new Set(['200']))
    expect(await test.blobs()).toHaveLength(before.length + 1)
  })

  it('refuses a part below 5 MiB that is not the last, and can be repeated with others', async () => {
    const uploadId = await createUpload(test, 'small')
    const short = await sendPart(test, 'small', uploadId, 1, Buffer.alloc(MIN_PART_BYTES - 1))
    const last = await sendPart(test, 'small', uploadId, 2, 'end')
    const reply = await post('small', uploadId, document([1, short.ETag ?? ''], [2, last.ETag ?? '']))
    expect(outcome(reply)).toBe('400 EntityTooSmall')
    expect(reply.body.toString()).toContain('<PartNumber>1</PartNumber>')
    expect(reply.body.toString()).toContain(`<MinSizeAllowed>${MIN_PART_BYTES}</MinSizeAllowed>`)
    expect(await refusal(test.get('small'))).toBe('404 NoSuchKey')
    const enough = await sendPart(test, 'small', uploadId, 1, Buffer.alloc(MIN_PART_BYTES))
    expect(await refusal(complete(test, 'small', uploadId, [enough, last]))).toBe('200')
  })

  describe('refuses', () => {
    let uploadId = ''
    let one = ''
    let two = ''
    beforeAll(async () => {
      uploadId = await createUpload(test, 'refused')
      one = (await sendPart(test, 'refused', uploadId, 1, Buffer.alloc(MIN_PART_BYTES))).ETag ?? ''
      two = (await sendPart(test, 'refused', uploadId, 2, 'two')).ETag ?? ''
    })

    it.each<[string, () => string, string]>([
      ['parts out of order', () => document([2, two], [1, one]), '400 InvalidPartOrder'],
      ['a part twice, the last time with another ETag', () => document([1, one], [1, two]), '400 InvalidPart'],
      ['a part again after another', () => document([1, one], [2, two], [1, one]), '400 InvalidPartOrder'],
      ['a part that was not uploaded', () => document([1, one], [3, two]), '400 InvalidPart'],
      ['the ETag of another part', () => document([1, two]), '400 InvalidPart'],
      ['an empty ETag', () => document([1, '']), '400 InvalidPart'],
      ['no parts', () => document(), '400 MalformedXML'],
      ['no body', () => '', '400 '],
      ['what is no XML', () => 'parts: 1, 2', '400 MalformedXML'],
      ['another document', () => '<Delete><Part/></Delete>', '400 MalformedXML'],
      [
        'a part without ETag',
        () => '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>',
        '400 MalformedXML',
      ],
      [
        'a part without number',
        () => `<CompleteMultipartUpload><Part><ETag>${one}</ETag></Part></CompleteMultipartUpload>`,
        '400 MalformedXML',
      ],
      ['a number that is none', () => document(['one', one]), '400 MalformedXML'],
      ['number 0', () => document([0, one]), '400 InvalidArgument'],
      ['number 10001', () => document([10_001, one]), '400 InvalidArgument'],
      [
        'more parts than there may be',
        () => document(...Array.from({ length: 10_001 }, (): [number, string] => [1, one])),
        '400 MalformedXML',
      ],
    ])('%s', async (_, body, expected) => {
      expect(outcome(await post('refused', uploadId, body()))).toContain(expected)
      expect(await refusal(test.get('refused'))).toBe('404 NoSuchKey')
    })

    it('an upload that there is not, for that key', async () => {
      for (const id of ['', 'nonsense', '0'.repeat(32)])
        expect(outcome(await post('refused', id, document([1, one])))).toBe('404 NoSuchUpload')
      expect(outcome(await post('other', uploadId, document([1, one])))).toBe('404 NoSuchUpload')
    })

    it('a size that is not the size', async () => {
      const body = document([1, one])
      expect(outcome(await post('refused', uploadId, body, { 'x-amz-mp-object-size': '1' }))).toMatch(/^400 /)
      expect(outcome(await post('refused', uploadId, body, { 'x-amz-mp-object-size': 'big' }))).toBe(
        '400 InvalidArgument',
      )
    })

    it('nothing of all that when it is finally right', async () => {
      const etags = [one.replaceAll('"', ''), two.replaceAll('"', '&quot;')]
      // Of a part that is named again the last entry counts.
      const body = document([1, 'earlier'], [1, etags[0] ?? ''], [2, etags[1] ?? ''])
      const reply = await post('refused', uploadId, body, { 'x-amz-mp-object-size': String(MIN_PART_BYTES + 3) })
      expect(outcome(reply)).toBe('200')
      const { ContentLength } = await test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: 'refused' }))
      expect(ContentLength).toBe(MIN_PART_BYTES + 3)
    })
  })

  describe('holds to the checksums', () => {
    const sum = { crc32: 'NSRBwg==', sha256: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' }

    it.each<[string, Record<string, string>]>([
      ['a checksum', { 'x-amz-checksum-crc32': sum.crc32 }],
      ['what is no checksum', { 'x-amz-checksum-crc64nvme': 'garbage!!' }],
      ['a checksum type', { 'x-amz-checksum-type': 'COMPOSITE' }],
    ])('and refuses %s of an upload that has none', async (_, headers) => {
      const uploadId = await createUpload(test, 'unsummed')
      const part = await sendPart(test, 'unsummed', uploadId, 1, 'abc')
      const body = document([1, part.ETag ?? ''])
      expect(outcome(await post('unsummed', uploadId, body, headers))).toBe('400 InvalidRequest')
      expect(await refusal(test.get('unsummed'))).toBe('404 NoSuchKey')
      expect(outcome(await post('unsummed', uploadId, body))).toBe('200')
      await test.raw({ method: 'DELETE', key: 'unsummed' })
    })

    it('and refuses a checksum by another algorithm, by an unknown one, and two of them', async () => {
      const uploadId = await createUpload(test, 'other', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
      const part = await sendPart(test, 'other', uploadId, 1, 'abc', { ChecksumAlgorithm: 'CRC32' })
      const body = document([1, part.ETag ?? ''])
      const both = { 'x-amz-checksum-crc32': sum.crc32, 'x-amz-checksum-sha256': sum.sha256 }
      for (const headers of [{ 'x-amz-checksum-sha256': sum.sha256 }, { 'x-amz-checksum-md4': 'AAAA' }, both]) {
        expect(outcome(await post('other', uploadId, body, headers))).toBe('400 InvalidRequest')
      }
      expect(outcome(await post('other', uploadId, body, { 'x-amz-checksum-crc32': sum.crc32 }))).toBe('200')
    })

    it('and makes a composite one of parts whose checksums only the store knows', async () => {
      const uploadId = await createUpload(test, 'composite', { ChecksumAlgorithm: 'SHA256' })
      const part = await test.raw({
        method: 'PUT',
        key: 'composite',
        query: { uploadId, partNumber: '1' },
        body: 'abc',
      })
      expect(part.headers['x-amz-checksum-sha256']).toBe(sum.sha256)
      const reply = await post('composite', uploadId, document([1, part.headers.etag ?? '']))
      expect(outcome(reply)).toBe('200')
      const composite = createHash('sha256').update(Buffer.from(sum.sha256, 'base64')).digest('base64')
      expect(reply.body.toString()).toContain(`<ChecksumSHA256>${composite}-1</ChecksumSHA256>`)
    })

    it('and takes an upload of parts without them when the checksum is of the full object', async () => {
      const uploadId = await createUpload(test, 'full', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
      const query = { uploadId, partNumber: '1' }
      const part = await test.raw({ method: 'PUT', key: 'full', query, body: 'abc' })
      const reply = await post('full', uploadId, document([1, part.headers.etag ?? '']))
      expect(outcome(reply)).toBe('200')
      expect(reply.body.toString()).toContain(`<ChecksumCRC32>${sum.crc32}</ChecksumCRC32>`)
    })
  })

  it('refuses a bucket that does not exist', async () => {
    const command = new CompleteMultipartUploadCommand({
      Bucket: 'no-such-bucket',
      Key: 'k',
      UploadId: '0'.repeat(32),
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag: 'x' }] },
    })
    expect(await refusal(test.s3.send(command))).toBe('404 NoSuchBucket')
  })
})
