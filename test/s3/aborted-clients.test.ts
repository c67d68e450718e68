import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { CopyObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { awsChunked } from '../support/aws-chunked.ts'
import { contentBytes } from '../support/content.ts'
import { createUpload } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, type RawS3Request, replyOf, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
let before: string[] = []
beforeAll(async () => {
  test = await startObjectHouse()
  await test.put('kept', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(async () => {
  before = await test.blobs()
})

const MIB = 1024 * 1024

function start(
  request: Omit<RawS3Request, 'path' | 'method'> & { readonly key: string; readonly method?: string },
  lengthBytes: number | undefined,
): ClientRequest {
  const { key, method = 'PUT', ...rest } = request
  const signed = signRaw(test.s3Url, { payload: 'UNSIGNED-PAYLOAD', ...rest, method, path: `/${test.bucket}/${key}` })
  const length: Record<string, string> =
    lengthBytes === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(lengthBytes) }
  return startRaw(test.s3Url, { ...signed, headers: { ...signed.headers, ...length } })
}

/** Writes all of it, as fast as the server takes it. */
async function write(outgoing: ClientRequest, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 256 * 1024) {
    if (!outgoing.write(bytes.subarray(at, at + 256 * 1024))) await once(outgoing, 'drain')
  }
}

const SHOWS_DESCRIPTORS = process.platform === 'linux'

/** Blob files that this process, and so the server in it, has open; none where the system does not show them. */
async function openBlobFiles(): Promise<string[]> {
  if (!SHOWS_DESCRIPTORS) return []
  const names = await readdir('/proc/self/fd')
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return links.filter((link) => link.startsWith(test.dataDir) && link.includes('/f/'))
}

/** What came since the test began. What an earlier one left may still be going. */
const added = async (): Promise<string[]> => (await test.blobs()).filter((blob) => !before.includes(blob))

async function nothingIsLeft(): Promise<void> {
  const patience = { timeout: 10_000 }
  await expect.poll(() => openBlobFiles(), patience).toEqual([])
  await expect.poll(() => test.blobFiles(), patience).toEqual([])
  await expect.poll(added, patience).toEqual([])
}

describe('a client that leaves in the middle of an upload', () => {
  it.each([
    ['nothing of many', 0, 20 * MIB],
    ['half of a few bytes', 500, 1000],
    ['some', 300_000, 600_000],
    ['8 of 20 MiB', 8 * MIB, 20 * MIB],
    ['all but one byte', 2 * MIB - 1, 2 * MIB],
    ['some, of a length it did not say', 2 * MIB, undefined],
  ])('having sent %s, leaves nothing', async (_, sentBytes, lengthBytes) => {
    const outgoing = start({ key: 'aborted' }, lengthBytes)
    outgoing.flushHeaders()
    await once(outgoing, 'socket')
    await write(outgoing, contentBytes('aborted', sentBytes))
    // A blob file is there while the bytes arrive…
    if (sentBytes >= 2 * MIB) await expect.poll(() => test.blobFiles()).toHaveLength(1)
    outgoing.destroy()
    await nothingIsLeft()
    expect(await refusal(test.get('aborted'))).toBe('404 NoSuchKey')
  })

  it('leaves what was there', async () => {
    const outgoing = start({ key: 'kept' }, 4 * MIB)
    await write(outgoing, contentBytes('over', 3 * MIB))
    outgoing.destroy()
    await nothingIsLeft()
    expect((await test.get('kept')).bytes.toString()).toBe('kept')
  })

  it('in signed chunks, leaves nothing', async () => {
    const body = contentBytes('chunks', 3 * MIB)
    const signed = signRaw(test.s3Url, {
      method: 'PUT',
      path: `/${test.bucket}/aborted`,
      payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      headers: { 'x-amz-decoded-content-length': String(body.length), 'content-encoding': 'aws-chunked' },
    })
    const encoded = awsChunked(body, { chunkBytes: 65_536, seed: signed.seed })
    const outgoing = startRaw(test.s3Url, {
      ...signed,
      headers: { ...signed.headers, 'content-length': String(encoded.length) },
    })
    await write(outgoing, encoded.subarray(0, 2 * MIB))
    outgoing.destroy()
    await nothingIsLeft()
    expect(await refusal(test.get('aborted'))).toBe('404 NoSuchKey')
  })

  it('of a part, leaves nothing', async () => {
    const uploadId = await createUpload(test, 'part')
    const outgoing = start({ key: 'part', query: { partNumber: '1', uploadId } }, 20 * MIB)
    await write(outgoing, contentBytes('part', 6 * MIB))
    outgoing.destroy()
    await nothingIsLeft()
    await test.raw({ method: 'DELETE', key: 'part', query: { uploadId } })
  })

  it('many times at once, leaves nothing', async () => {
    const clients = Array.from({ length: 12 }, (_, index) => start({ key: `many-${index}` }, 10 * MIB))
    await Promise.all(clients.map((outgoing, index) => write(outgoing, contentBytes('many', 1 + index * 200_000))))
    await expect.poll(() => test.blobFiles()).toHaveLength(clients.length)
    for (const outgoing of clients) outgoing.destroy()
    await nothingIsLeft()
    expect(await refusal(test.get('many-0'))).toBe('404 NoSuchKey')
  })

  it('but sent all it said first, has stored it; what follows is no part of it', async () => {
    const { hostname, port } = new URL(test.s3Url)
    const signed = signRaw(test.s3Url, { method: 'PUT', path: `/${test.bucket}/more`, payload: 'UNSIGNED-PAYLOAD' })
    const fields = Object.entries({ ...signed.headers, 'content-length': '5' })
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.write(
      `PUT ${signed.target} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\nhello`,
    )
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 200 /)
    socket.write(' and then more')
    await once(socket, 'close')
    expect(answer).toContain('HTTP/1.1 400 ')
    expect((await test.get('more')).bytes.toString()).toBe('hello')
    await test.raw({ method: 'DELETE', key: 'more' })
  })
})

describe('clients that leave in the middle of a download', () => {
  it('leave no file open and hold no bytes', async () => {
    await test.put('long', contentBytes('long', 16 * MIB))
    const downloads = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const range: Record<string, string> = index % 2 === 0 ? {} : { range: 'bytes=1000000-' }
        const outgoing = start({ key: 'long', method: 'GET', headers: range }, 0)
        outgoing.end()
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
        await once(incoming, 'readable')
        return incoming
      }),
    )
    if (SHOWS_DESCRIPTORS) expect((await openBlobFiles()).length).toBeGreaterThan(0)
    for (const incoming of downloads) incoming.destroy()
    // What nobody reads any more stays open for the next reader, until it is removed.
    await test.raw({ method: 'DELETE', key: 'long' })
    await nothingIsLeft()
  })

  it('before the first byte do not either', async () => {
    await test.put('long', contentBytes('long', 4 * MIB))
    for (let round = 0; round < 10; round++) {
      const outgoing = start({ key: 'long', method: 'GET' }, 0)
      outgoing.end()
      await once(outgoing, 'finish')
      for (let wait = 0; wait < round; wait++) await turn()
      outgoing.destroy()
    }
    await test.raw({ method: 'DELETE', key: 'long' })
    await nothingIsLeft()
  })

  it('of a copy leave a whole copy or none', async () => {
    const body = contentBytes('copied', 8 * MIB)
    await test.put('long', body)
    const outgoing = start({ key: 'copy', headers: { 'x-amz-copy-source': `${test.bucket}/long` } }, 0)
    outgoing.end()
    await once(outgoing, 'finish')
    outgoing.destroy()
    // The source stays open for its next reader.
    await expect.poll(async () => (await openBlobFiles()).length).toBeLessThan(2)
    const copied = await refusal(test.get('copy'))
    if (copied === '200') expect((await test.get('copy')).bytes.equals(body)).toBe(true)
    else expect(copied).toBe('404 NoSuchKey')
    await test.s3.send(new CopyObjectCommand({ Bucket: test.bucket, Key: 'copy', CopySource: `${test.bucket}/long` }))
    for (const key of ['copy', 'long']) await test.raw({ method: 'DELETE', key })
    await nothingIsLeft()
  })
})

describe('a client that is refused while it sends', () => {
  it.each([10, 300_000, 3 * MIB])('gets to read why, after %i bytes', async (size) => {
    const body = contentBytes('refused', size)
    for (let round = 0; round < 10; round++) {
      const path = '/no-such-bucket/key'
      expect(outcome(await sendRaw(test.s3Url, { method: 'PUT', path, body, payload: 'UNSIGNED-PAYLOAD' }))).toBe(
        '404 NoSuchBucket',
      )
      expect(
        outcome(await test.raw({ method: 'PUT', key: 'k', body, headers: { 'x-amz-mfa': 'serial 123456' } })),
      ).toBe('501 NotImplemented')
    }
    expect(await added()).toEqual([])
  })

  it('may send the rest of its body before it reads: the connection is not reset under it', async () => {
    const { hostname, port } = new URL(test.s3Url)
    const signed = signRaw(test.s3Url, { method: 'PUT', path: '/no-such-bucket/key', payload: 'UNSIGNED-PAYLOAD' })
    const fields = Object.entries({ ...signed.headers, 'content-length': String(2 * MIB) })
    const socket = connect(Number(port), hostname)
    let answer = ''
    const errors: Error[] = []
    socket.on('error', (error) => errors.push(error))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    const closed = once(socket, 'close')
    socket.write(
      `PUT ${signed.target} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    await expect.poll(() => answer).toContain('<Code>NoSuchBucket</Code>')
    for (let sent = 0; sent < 2 * MIB; sent += 65_536) {
      await new Promise((resolve) => void socket.write(Buffer.alloc(65_536), resolve))
      await turn()
    }
    await closed
    expect(errors).toEqual([])
    expect(socket.bytesWritten).toBeGreaterThan(2 * MIB)
  })

  it('and never ends, is cut off', async () => {
    const outgoing = start({ key: 'endless', headers: { 'x-amz-mfa': 'serial 123456' } }, undefined)
    const closed = new Promise<void>((resolve) => void outgoing.once('close', resolve))
    let sending = true
    void closed.then(() => {
      sending = false
    })
    outgoing.on('response', (incoming) => incoming.resume())
    let sentBytes = 0
    while (sending && sentBytes < 200 * MIB) {
      const more = outgoing.write(Buffer.alloc(MIB))
      sentBytes += MIB
      if (!more) await Promise.race([once(outgoing, 'drain').catch(() => {}), closed])
      else await turn()
    }
    expect(sending).toBe(false)
  })
})

describe('Expect: 100-continue', () => {
  const expecting = (request: Parameters<typeof start>[0], lengthBytes: number) =>
    start({ ...request, headers: { ...request.headers, expect: '100-continue' } }, lengthBytes)

  it('is answered when the body is wanted', async () => {
    const body = contentBytes('expected', 500_000)
    const outgoing = expecting({ key: 'expected' }, body.length)
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end(body)
    expect(outcome(await replyOf(outgoing))).toBe('200')
    expect((await test.get('expected')).bytes.equals(body)).toBe(true)
    await test.raw({ method: 'DELETE', key: 'expected' })
  })

  it.each<[string, Parameters<typeof start>[0], number, string]>([
    ['a header that is refused', { key: 'k', headers: { 'x-amz-mfa': 'serial 123456' } }, 1000, '501 NotImplemented'],
    ['a condition that fails', { key: 'kept', headers: { 'if-none-match': '*' } }, 1000, '412 PreconditionFailed'],
    ['a size that is too large', { key: 'k' }, 5 * 1024 ** 3 + 1, '400 EntityTooLarge'],
    [
      'an upload that is not there',
      { key: 'k', query: { partNumber: '1', uploadId: '0'.repeat(32) } },
      1000,
      '404 NoSuchUpload',
    ],
    ['a digest that is none', { key: 'k', headers: { 'content-md5': 'x' } }, 1000, '400 InvalidDigest'],
  ])('is not answered for %s: the refusal comes at once', async (_, request, lengthBytes, expected) => {
    const outgoing = expecting(request, lengthBytes)
    let continued = false
    outgoing.once('continue', () => {
      continued = true
    })
    outgoing.flushHeaders()
    const reply = await replyOf(outgoing)
    expect(outcome(reply)).toBe(expected)
    expect(continued).toBe(false)
    // Whatever the client does with the body it still owes, it is not taken for a request.
    expect(reply.headers.connection).toBe('close')
    outgoing.destroy()
  })

  it('is not answered to whoever has no right to', async () => {
    const { headers, target } = signRaw(test.s3Url, {
      method: 'PUT',
      path: `/${test.bucket}/k`,
      payload: 'UNSIGNED-PAYLOAD',
    })
    const forged = {
      ...headers,
      authorization: `${headers['authorization']?.slice(0, -4)}0000`,
      expect: '100-continue',
      'content-length': '1000',
    }
    const outgoing = startRaw(test.s3Url, { method: 'PUT', target, headers: forged })
    let continued = false
    outgoing.once('continue', () => {
      continued = true
    })
    outgoing.flushHeaders()
    expect(outcome(await replyOf(outgoing))).toBe('403 SignatureDoesNotMatch')
    expect(continued).toBe(false)
    outgoing.destroy()
  })
})
