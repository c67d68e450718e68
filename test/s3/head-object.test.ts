import { HeadObjectCommand, type HeadObjectCommandInput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import type { RawS3Reply } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const head = (key: string, more: Partial<HeadObjectCommandInput> = {}) =>
  test.s3.send(new HeadObjectCommand({ Bucket: test.bucket, Key: key, ...more }))

/** What is the request's own, and changes with every one. */
const OWN = ['date', 'x-amz-request-id', 'x-amz-id-2']
const lasting = ({ status, headers }: RawS3Reply) => ({
  status,
  headers: Object.entries(headers).filter(([name]) => !OWN.includes(name)),
})

describe('HeadObject', () => {
  beforeAll(async () => {
    await test.put('object', contentBytes('head', 100_000), {
      Metadata: { colour: 'red' },
      ContentType: 'text/x-head',
      ChecksumAlgorithm: 'SHA256',
    })
    await uploadInParts(test, 'parts', [Buffer.alloc(MIN_PART_BYTES, 1), Buffer.alloc(10, 2)])
  })

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['object', {}, {}],
    ['object', { range: 'bytes=10-19' }, {}],
    ['object', { range: 'bytes=-7' }, {}],
    ['object', { range: 'bytes=0-0,2-3' }, {}],
    ['object', { range: 'bytes=100000-' }, {}],
    ['object', { 'x-amz-checksum-mode': 'ENABLED' }, {}],
    ['object', { 'if-none-match': '*' }, {}],
    ['object', { 'if-match': '"other"' }, {}],
    ['object', {}, { 'response-content-type': 'text/other' }],
    ['object', {}, { partNumber: '1' }],
    ['object', {}, { partNumber: '2' }],
    ['object', {}, { versionId: 'other' }],
    ['parts', {}, {}],
    ['parts', {}, { partNumber: '2' }],
    ['missing', {}, {}],
  ])('says of %s what GET says, with headers %j and query %j', async (key, headers, query) => {
    const [got, headed] = await Promise.all([
      test.raw({ method: 'GET', key, headers, query }),
      test.raw({ method: 'HEAD', key, headers, query }),
    ])
    expect(headed.body).toHaveLength(0)
    // Request ids of an error document may differ in nothing but their digits, so its length is the same too.
    expect(lasting(headed)).toEqual(lasting(got))
  })

  it('gives size, type, metadata and ETag', async () => {
    expect(await head('object')).toMatchObject({
      ContentLength: 100_000,
      ContentType: 'text/x-head',
      Metadata: { colour: 'red' },
      AcceptRanges: 'bytes',
      ServerSideEncryption: 'AES256',
    })
  })

  it('has no body to name the error in', async () => {
    expect(await refusal(head('missing'))).toBe('404 NotFound')
    expect(await refusal(head('missing', { Bucket: 'no-such-bucket' }))).toBe('404 NotFound')
  })

  it('counts the parts of a part', async () => {
    expect(await head('parts', { PartNumber: 2 })).toMatchObject({ PartsCount: 2, ContentLength: 10 })
    expect((await head('parts')).PartsCount).toBeUndefined()
  })
})
