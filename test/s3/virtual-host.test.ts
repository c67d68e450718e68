import { Agent } from 'node:http'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { outcome, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'

let test: TestHouse
let s3: S3Client
beforeAll(async () => {
  test = await startHouse({ settings: { COFFER_S3_DOMAIN: 's3.test, sub.s3.test' } })
  s3 = test.client(undefined, {
    endpoint: `http://s3.test:${new URL(test.s3Url).port}`,
    forcePathStyle: false,
    // Every name of the domain leads here.
    requestHandler: {
      httpAgent: new Agent({
        lookup: (_name, options, found) =>
          options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
      }),
    },
  })
  for (const Bucket of ['bucket', 'dotted.name', 'sub']) {
    await test.client().send(new CreateBucketCommand({ Bucket }))
    await test.client().send(new PutObjectCommand({ Bucket, Key: 'key', Body: `in ${Bucket}` }))
  }
})
afterAll(() => test[Symbol.asyncDispose]())

const get = async (host: string, path: string) => {
  const reply = await sendRaw(test.s3Url, { method: 'GET', path, headers: { host } })
  return reply.status === 200 ? reply.body.toString() : outcome(reply)
}

describe('With a domain set', () => {
  it('an SDK in its default style does everything by host name', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'by-host' }))
    await s3.send(new PutObjectCommand({ Bucket: 'by-host', Key: 'a b/ü+%', Body: 'stored' }))
    const read = await s3.send(new GetObjectCommand({ Bucket: 'by-host', Key: 'a b/ü+%' }))
    expect(await read.Body?.transformToString()).toBe('stored')
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'by-host' }))
    expect(Contents?.map(({ Key }) => Key)).toEqual(['a b/ü+%'])
    await s3.send(new DeleteObjectCommand({ Bucket: 'by-host', Key: 'a b/ü+%' }))
    await s3.send(new DeleteBucketCommand({ Bucket: 'by-host' }))
    const { Buckets } = await s3.send(new ListBucketsCommand({}))
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['bucket', 'dotted.name', 'sub'])
  })

  it.each(['bucket.s3.test', 'bucket.s3.test:9000', 'BUCKET.S3.TEST', 'bucket.sub.s3.test'])(
    'the host %s names the bucket',
    async (host) => {
      expect(await get(host, '/key')).toBe('in bucket')
    },
  )

  it('a bucket may have dots', async () => {
    expect(await get('dotted.name.s3.test', '/key')).toBe('in dotted.name')
  })

  it('of two domains the longer one counts', async () => {
    expect(await get('sub.s3.test', '/sub/key')).toBe('in sub')
    expect(await get('sub.s3.test', '/key')).toBe('404 NoSuchBucket')
  })

  it.each(['s3.test', 's3.test:80', '127.0.0.1', 'elsewhere.example', 'nots3.test', 'localhost:9000'])(
    'the host %s leaves the bucket to the path',
    async (host) => {
      expect(await get(host, '/bucket/key')).toBe('in bucket')
    },
  )

  it('the path is all key: a bucket’s name in it is none, slashes stay', async () => {
    expect(await get('bucket.s3.test', '/bucket/key')).toBe('404 NoSuchKey')
    const put = await sendRaw(test.s3Url, {
      method: 'PUT',
      path: '//leading//../key',
      headers: { host: 'bucket.s3.test' },
      body: 'slashes',
    })
    expect(outcome(put)).toBe('200')
    expect(await get('s3.test', '/bucket//leading//../key')).toBe('slashes')
    expect(await get('bucket.s3.test', '/')).toContain('<Key>/leading//../key</Key>')
  })

  it('a bucket that is not there, or cannot be, is not found', async () => {
    expect(await get('nowhere.s3.test', '/key')).toBe('404 NoSuchBucket')
    expect(await get('__proto__.s3.test', '/key')).toBe('404 NoSuchBucket')
  })

  it('a signature for one bucket is none for another', async () => {
    const signed = signRaw(test.s3Url, { method: 'GET', path: '/key', headers: { host: 'bucket.s3.test' } })
    const outgoing = startRaw(test.s3Url, { ...signed, headers: { ...signed.headers, host: 'sub.s3.test' } })
    outgoing.end()
    expect(outcome(await replyOf(outgoing))).toBe('403 SignatureDoesNotMatch')
  })

  it('a presigned URL names the bucket by host', async () => {
    const url = new URL(await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })))
    expect(url.hostname).toBe('bucket.s3.test')
    const headers = { host: url.host }
    const outgoing = startRaw(test.s3Url, { method: 'GET', target: `${url.pathname}${url.search}`, headers })
    outgoing.end()
    expect((await replyOf(outgoing)).body.toString()).toBe('in bucket')
  })
})

describe('Without a domain set', () => {
  it('no host names a bucket', async () => {
    await using plain = await startHouse()
    await plain.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const reply = await sendRaw(plain.s3Url, { method: 'GET', path: '/bucket', headers: { host: 'bucket.s3.test' } })
    expect(reply.body.toString()).toContain('<Name>bucket</Name>')
  })
})
