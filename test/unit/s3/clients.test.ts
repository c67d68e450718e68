import { createServer, request as httpRequest, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import IbmS3 from 'ibm-cos-sdk/clients/s3.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readChecksumRequest, trailingChecksum } from '../../../src/api/s3/checksum-headers.ts'
import { S3Error } from '../../../src/api/s3/error-codes.ts'
import { readRequest } from '../../../src/api/s3/read-request.ts'
import { authenticate } from '../../../src/api/s3/sigv4/authenticate.ts'
import { xml } from '../../../src/api/s3/xml/encode.ts'
import { hashOf } from '../../../src/base/checksums.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { readBytes } from '../../../src/base/streams.ts'
import { readAll } from './raw-request.ts'

const CREDENTIAL = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/with+odd=characters' }
const BODY = Buffer.alloc(200_000, 'coffer')
const KEY = 'a//b/../ü +%2F&?#.txt'

let received: {
  key: string | undefined
  /** The body arrived as it was sent. */
  same: boolean
  contentSha256: string | undefined
  checksum: string | undefined
}[] = []
let server: Server
let endpoint = ''

beforeAll(async () => {
  server = createServer(async (incoming, response) => {
    try {
      const request = readRequest(incoming, {
        id: 'x',
        domains: [],
        secure: false,
      })
      const identity = authenticate(request, {
        findCredential: (id) => (id === CREDENTIAL.accessKeyId ? CREDENTIAL : undefined),
        clock: systemClock,
        regions: 'any',
      })
      const opened = identity.openBody(readBytes(incoming))
      const wanted = readChecksumRequest(request)
      const body = await readAll(opened.stream)
      if (wanted.algorithm) {
        const expected = wanted.expected === 'trailer' ? trailingChecksum(wanted.algorithm, opened) : wanted.expected
        expect(expected).toEqual(hashOf(wanted.algorithm, body))
      }
      received.push({
        key: request.key,
        same: body.equals(BODY),
        contentSha256: request.headers.get('x-amz-content-sha256'),
        checksum: wanted.algorithm,
      })
      response.writeHead(200, { etag: '"x"' }).end()
    } catch (error) {
      const { status, code, message } = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
      response.writeHead(status).end(xml('Error', { Code: code, Message: message }, { namespace: '' }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  endpoint = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
})
afterAll(() => server.close())
beforeEach(() => {
  received = []
})

const client = (secretAccessKey = CREDENTIAL.secretAccessKey): S3Client =>
  new S3Client({
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials: { ...CREDENTIAL, secretAccessKey },
    maxAttempts: 1,
  })

/** Sends the URL as it stands; `fetch` would resolve the dots of the key. */
const send = (method: string, url: string, body?: Buffer): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const path = url.slice(endpoint.length)
    const headers = body ? { 'content-length': body.length } : {}
    httpRequest(endpoint, { method, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end(body)
  })

describe('requests of real clients over a socket', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'AWS SDK, a buffer with %s',
    async (algorithm) => {
      await client().send(new PutObjectCommand({ Bucket: 'b', Key: KEY, Body: BODY, ChecksumAlgorithm: algorithm }))
      expect(received).toMatchObject([{ key: KEY, same: true, checksum: algorithm.toLowerCase() }])
    },
  )

  it('AWS SDK, a stream with a trailing checksum', async () => {
    const Body = Readable.from([BODY.subarray(0, 70_000), BODY.subarray(70_000)])
    await client().send(new PutObjectCommand({ Bucket: 'b', Key: KEY, Body, ContentLength: BODY.length }))
    expect(received).toMatchObject([
      { key: KEY, same: true, contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', checksum: 'crc32' },
    ])
  })

  it('AWS SDK, a presigned upload', async () => {
    const url = await getSignedUrl(client(), new PutObjectCommand({ Bucket: 'b', Key: KEY }), { expiresIn: 60 })
    expect(await send('PUT', url, BODY)).toBe(200)
    expect(received).toMatchObject([{ key: KEY, same: true }])
    expect(await send('PUT', `${url}0`, BODY)).toBe(403)
  })

  it('AWS SDK, a presigned download with overrides', async () => {
    const command = new GetObjectCommand({
      Bucket: 'b',
      Key: KEY,
      ResponseContentDisposition: 'attachment; filename="a b+c.txt"',
    })
    expect(await send('GET', await getSignedUrl(client(), command))).toBe(200)
  })

  it('AWS SDK, with a wrong secret', async () => {
    const sent = client('wrong').send(new PutObjectCommand({ Bucket: 'b', Key: KEY, Body: 'x' }))
    await expect(sent).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
    expect(received).toEqual([])
  })

  it('IBM SDK, a buffer and a presigned URL', async () => {
    const ibm = new IbmS3({
      endpoint,
      s3ForcePathStyle: true,
      signatureVersion: 'v4',
      credentials: CREDENTIAL,
      region: 'eu-de',
    })
    await ibm.putObject({ Bucket: 'b', Key: KEY, Body: BODY, Metadata: { a: 'b  c' } }).promise()
    expect(received).toMatchObject([{ key: KEY, same: true, contentSha256: hashOf('sha256', BODY).toString('hex') }])
    const url = ibm.getSignedUrl('getObject', { Bucket: 'b', Key: KEY, Expires: 60 })
    expect(await send('GET', url)).toBe(200)
  })
})
