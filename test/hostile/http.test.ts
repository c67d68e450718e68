import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { CreateMultipartUploadCommand, DeleteObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { iamToken } from '../support/control-api.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { outcome, type RawS3Request, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'
import { keysOf } from '../support/s3.ts'
import { bearer, sendPlain } from '../support/send.ts'
import { exchange, openSocket } from '../support/socket.ts'

let test: ObjectHouse
let token: string
beforeAll(async () => {
  test = await startObjectHouse()
  token = await iamToken(test.controlUrl)
  await test.put('kept', 'kept')
})
afterAll(() => test[Symbol.asyncDispose]())

// Whatever was sent: the server goes on, nothing was stored or lost, and no object got a property it did not have.
afterEach(async () => {
  expect((await test.get('kept')).bytes.toString()).toBe('kept')
  expect(await keysOf(test.s3, test.bucket)).toEqual(['kept'])
  expect(Object.keys(Object.prototype)).toEqual([])
  expect((await readdir(test.directory)).sort()).toEqual(['bootstrap.json', 'data', 'data.key'])
})

const send = (request: RawS3Request) => sendRaw(test.s3Url, request)
const HOST = 'Host: 127.0.0.1'

/** The head of a signed request, with lines added that the signature does not cover. */
function signedHead(request: RawS3Request, ...lines: readonly string[]): string {
  const { method, target, headers } = signRaw(test.s3Url, request)
  const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${target} HTTP/1.1`, ...own, ...lines, '', ''].join('\r\n')
}

describe('XML that is an attack', () => {
  const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
  const BODIES: Readonly<Record<string, (root: string) => Buffer | string>> = {
    'a billion laughs': (root) => `<!DOCTYPE ${root} [<!ENTITY l0 "lol">${laughs}]><${root}>&l9;</${root}>`,
    'an external entity': (root) =>
      `<!DOCTYPE ${root} [<!ENTITY e SYSTEM "file:///etc/passwd">]><${root}>&e;</${root}>`,
    'an external parameter entity': (root) =>
      `<!DOCTYPE ${root} [<!ENTITY % e SYSTEM "http://127.0.0.1:1/">%e;]><${root}/>`,
    'a bare DOCTYPE': (root) => `<!DOCTYPE ${root}><${root}/>`,
    'a processing instruction': (root) => `<?php x?><${root}/>`,
    'an entity of its own': (root) => `<${root}>&constructor;</${root}>`,
    'deep nesting': (root) => `<${root}>${'<a>'.repeat(100_000)}`,
    'a million elements': (root) => `<${root}>${'<a/>'.repeat(500_000)}</${root}>`,
    'ten thousand attributes': (root) =>
      `<${root} ${Array.from({ length: 10_000 }, (_, n) => `a${n}=""`).join(' ')}><a/>`,
    'a very long name': (root) => `<${root}><${'a'.repeat(1_000_000)}/>`,
    'bytes that are no UTF-8': (root) =>
      Buffer.concat([Buffer.from(`<${root}>`), Buffer.from([0xff, 0xfe]), Buffer.from(`</${root}>`)]),
    'UTF-16': (root) => Buffer.from(`\ufeff<${root}/>`, 'utf16le'),
    'a NUL': (root) => `<${root}>\u0000</${root}>`,
    'a reference to NUL': (root) => `<${root}>&#0;</${root}>`,
    'a reference out of Unicode': (root) => `<${root}>&#x110000;</${root}>`,
    'two roots': (root) => `<${root}/><${root}/>`,
    'names of prototypes': (root) => `<${root}><__proto__><polluted>1</polluted></__proto__><constructor/></${root}>x`,
    'no end': (root) => `<${root}>`,
  }
  const digest = (body: Buffer | string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') })

  it.each(Object.keys(BODIES))('is refused wherever XML is read: %s', async (name) => {
    const target = { Bucket: test.bucket, Key: 'xml' }
    const { UploadId: uploadId = '' } = await test.s3.send(new CreateMultipartUploadCommand(target))
    const make = BODIES[name]
    for (const [root, request] of [
      ['CreateBucketConfiguration', { method: 'PUT', path: '/by-attack' }],
      ['Delete', { method: 'POST', path: `/${test.bucket}`, query: { delete: '' } }],
      ['CompleteMultipartUpload', { method: 'POST', path: `/${test.bucket}/xml`, query: { uploadId } }],
    ] as const) {
      const body = make?.(root) ?? ''
      expect(outcome(await send({ ...request, body, headers: digest(body) }))).toMatch(
        /^400 (MalformedXML|MaxMessageLengthExceeded)$/,
      )
    }
    expect(outcome(await send({ method: 'HEAD', path: '/by-attack' }))).toBe('404')
  })
})

describe('Paths', () => {
  it.each([
    '/../etc/passwd',
    '/../../..',
    '/./objects/kept',
    '//objects/kept',
    '///',
    '/%2e%2e/etc/passwd',
    '/%2Fobjects/kept',
    '/objects%2Fkept',
    '/objects%2f..%2f..',
    '/objects/..%2f..%2f..%2fbootstrap.json',
    '/objects/../../bootstrap.json',
    '/objects/%2e%2e/%2e%2e/data.key',
    '/objects/./kept',
    '/objects//kept',
    '/objects/kept/',
    '/objects/kept%20',
    '/objects/KEPT',
    '/OBJECTS/kept',
    '/objects;v=1/kept',
    '/objects\\kept',
    '/__proto__/kept',
    '/constructor/prototype',
    '/objects/__proto__',
    '/metadata/000003.log',
  ])('mean what they say and nothing else: %s', async (path) => {
    // By token: a signature covers the path in one spelling only.
    const reply = await sendPlain(test.s3Url, { method: 'GET', target: path, headers: bearer(token) })
    expect([path, reply.status >= 400 && reply.status < 500]).toEqual([path, true])
    expect(reply.code).toMatch(/^(NoSuchKey|NoSuchBucket|InvalidBucketName|InvalidURI)$/)
  })

  it.each([
    '/objects/%00',
    '/objects/a%00b',
    '/objects/%',
    '/objects/%4',
    '/objects/%zz',
    '/objects/%ff',
    '/objects/%C0%AF',
    '/objects/%ED%A0%80',
    '/objects/%F4%90%80%80',
    '/%00/key',
    '/%ff',
  ])('that do not decode are refused for every method: %s', async (path) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']) {
      const reply = await send({ method, path, ...(method === 'PUT' ? { body: 'x' } : {}) })
      expect([method, reply.status]).toEqual([method, 400])
      if (method !== 'HEAD') expect(reply.code).toBe('InvalidURI')
    }
  })

  it.each(['?%', '?%00=1', '?prefix=%ff', '?a=%zz', '?prefix=%ED%A0%80'])(
    'with a query that does not decode are refused: %s',
    async (query) => {
      const head = `GET /objects${query} HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`
      const { statuses, text } = await exchange(test.s3Url, head)
      expect(statuses).toEqual([400])
      expect(text).toContain('<Code>InvalidURI</Code>')
    },
  )

  it('of dots and slashes are keys like others', async () => {
    for (const key of [
      '..',
      '../..',
      './.',
      '/',
      '//',
      '../data.key',
      'a/../../b',
      '%2F',
      '__proto__',
      'constructor',
      'toString',
    ]) {
      const path = `/objects/${key.replaceAll('%', '%25')}`
      const body = `stored under ${key}`
      expect([key, outcome(await send({ method: 'PUT', path, body }))]).toEqual([key, '200'])
      expect((await send({ method: 'GET', path })).body.toString()).toBe(body)
      const listed = await send({ method: 'GET', path: '/objects', query: { prefix: key } })
      expect(listed.body.toString()).toContain(`<Key>${key}</Key>`)
      expect(outcome(await send({ method: 'DELETE', path }))).toBe('204')
    }
  })

  it('in absolute form count only under the host that was asked', async () => {
    const line = (target: string) => `GET ${target} HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`
    const code = async (target: string) => /<Code>(.*?)</.exec((await exchange(test.s3Url, line(target))).text)?.[1]
    expect(await code('http://127.0.0.1/objects')).toBe('AccessDenied')
    expect(await code('http://elsewhere/objects')).toBe('InvalidURI')
    expect(await code('file:///etc/passwd')).toBe('InvalidURI')
    expect(await code('objects')).toMatch(/^(InvalidURI|BadRequest)$/)
  })
})

describe('Headers', () => {
  it('that are too large are refused in S3’s words', async () => {
    const { statuses, text } = await exchange(
      test.s3Url,
      `GET / HTTP/1.1\r\n${HOST}\r\nx-amz-meta-a: ${'a'.repeat(40_000)}\r\n\r\n`,
    )
    expect(statuses).toEqual([400])
    expect(text).toContain('<Code>RequestHeaderSectionTooLarge</Code>')
    const many = Array.from({ length: 9000 }, (_, n) => `h${n}: x`).join('\r\n')
    expect((await exchange(test.s3Url, `GET / HTTP/1.1\r\n${HOST}\r\n${many}\r\n\r\n`)).statuses).toEqual([400])
  })

  it('of user metadata have a limit', async () => {
    const put = (size: number) =>
      send({ method: 'PUT', path: '/objects/meta', body: 'x', headers: { 'x-amz-meta-a': 'a'.repeat(size) } })
    expect(outcome(await put(2048))).toBe('400 MetadataTooLarge')
    expect(outcome(await put(2047))).toBe('200')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'meta' }))
  })

  it.each([
    'Host: elsewhere',
    'Authorization: AWS4-HMAC-SHA256 x',
    'X-Amz-Date: 20200101T000000Z',
    'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD',
  ])('that say who asks may not be repeated: %s', async (line) => {
    const head = signedHead({ method: 'GET', path: '/objects/kept' }, line, 'Connection: close')
    const { statuses, text } = await exchange(test.s3Url, head)
    expect(statuses.length).toBe(1)
    expect(statuses[0]).toBeGreaterThanOrEqual(400)
    expect(statuses[0]).toBeLessThan(500)
    expect(text.endsWith('kept')).toBe(false)
  })

  it('named like parts of every object are metadata like others', async () => {
    const names = ['__proto__', 'constructor', 'prototype', 'tostring', 'hasownproperty', '__definegetter__', 'valueof']
    const headers = Object.fromEntries(names.map((name) => [`x-amz-meta-${name}`, `of ${name}`]))
    expect(outcome(await send({ method: 'PUT', path: '/objects/meta', body: 'x', headers }))).toBe('200')
    for (const path of ['/objects/meta', '/objects/meta-copy']) {
      const read = await send({ method: 'HEAD', path })
      for (const name of names) expect(read.headers[`x-amz-meta-${name}`]).toBe(`of ${name}`)
      const copy = { method: 'PUT', path: '/objects/meta-copy', headers: { 'x-amz-copy-source': 'objects/meta' } }
      expect(outcome(await send(copy))).toBe('200')
    }
    for (const Key of ['meta', 'meta-copy']) await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key }))
  })

  it.each([
    ['response-content-type', 'text/html\r\nSet-Cookie: a=b'],
    ['response-content-disposition', 'a\nb'],
    ['response-cache-control', '\u0000'],
    ['response-expires', 'über\u{1f600}'],
    ['response-content-language', 'a\u007f'],
  ])('asked for are not split: %s', async (name, value) => {
    const reply = await send({ method: 'GET', path: '/objects/kept', query: { [name]: value } })
    expect(outcome(reply)).toMatch(/^400 Invalid(Argument|URI)$/)
    expect(reply.headers['set-cookie']).toBeUndefined()
  })
})

describe('Names that every object has', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'are no bucket: %s',
    async (name) => {
      expect(outcome(await send({ method: 'GET', path: `/${name}` }))).toBe('404 NoSuchBucket')
      expect(outcome(await send({ method: 'PUT', path: `/${name}/key`, body: 'x' }))).toBe('404 NoSuchBucket')
      expect(outcome(await send({ method: 'DELETE', path: `/${name}` }))).toBe('404 NoSuchBucket')
      const copy = { 'x-amz-copy-source': `${name}/key` }
      expect(outcome(await send({ method: 'PUT', path: '/objects/copy', headers: copy }))).toBe('404 NoSuchBucket')
    },
  )

  it('are no fields of a form', async () => {
    const part = (name: string, value: string, more = '') =>
      `--x\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
    const policy = Buffer.from(
      '{"expiration":"2099-01-01T00:00:00Z","conditions":[],"__proto__":{"polluted":1}}',
    ).toString('base64')
    for (const fields of [
      part('__proto__', 'x') + part('key', 'form'),
      part('policy', policy) + part('key', 'form') + part('constructor', 'x'),
    ]) {
      const body = `${fields}${part('file', 'forged', '; filename="f"')}--x--\r\n`
      const reply = await sendPlain(test.s3Url, {
        method: 'POST',
        target: '/objects',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        body,
      })
      expect(reply.status).toBeGreaterThanOrEqual(400)
      expect(reply.status).toBeLessThan(500)
    }
  })
})

describe('Shapes that two servers would read in two ways', () => {
  const smuggled = `GET /objects HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`
  const put: RawS3Request = { method: 'PUT', path: '/objects/smuggled', payload: 'UNSIGNED-PAYLOAD' }
  const chunks = `0\r\n\r\n${smuggled}`

  it.each<[string, readonly string[], string]>([
    ['length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], chunks],
    ['chunks and length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], chunks],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5'], `body${smuggled}`],
    ['a length with a sign', ['Content-Length: +4'], `body${smuggled}`],
    ['a negative length', ['Content-Length: -1'], smuggled],
    ['a length in hex', ['Content-Length: 0x4'], `body${smuggled}`],
    ['a length that overflows', ['Content-Length: 18446744073709551620'], `body${smuggled}`],
    ['chunked, then something else', ['Transfer-Encoding: chunked, identity'], chunks],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], chunks],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'zz\r\n'],
    ['a space before the colon', ['Transfer-Encoding : chunked'], chunks],
    ['a folded line', ['X-Folded: a', ' Transfer-Encoding: chunked'], chunks],
    ['a chunk size that overflows', ['Transfer-Encoding: chunked'], 'ffffffffffffffff1\r\nx'],
    ['a chunk without a size', ['Transfer-Encoding: chunked'], 'x\r\n'],
    ['a chunk with an endless extension', ['Transfer-Encoding: chunked'], `1;${'a'.repeat(200_000)}`],
    ['a chunk that is longer than it says', ['Transfer-Encoding: chunked'], `1\r\nxyz\r\n${chunks}`],
    ['a NUL in a header', ['X-Nul: a\u0000b'], 'body'],
    ['a bare line feed', ['X-Lf: a\nTransfer-Encoding: chunked'], chunks],
    ['a bare carriage return', ['X-Cr: a\rb', 'Content-Length: 4'], 'body'],
  ])('are refused, and nothing behind them is answered: %s', async (_name, lines, rest) => {
    const { statuses, text, closed } = await exchange(test.s3Url, signedHead(put, ...lines) + rest)
    expect(closed).toBe(true)
    expect(statuses.length).toBeLessThanOrEqual(1)
    for (const status of statuses) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThanOrEqual(501)
    }
    expect(text).not.toContain('ListBucketResult')
  })

  it.each([
    ['gzip, chunked', '1.1', 501],
    ['gzip', '1.1', 501],
    ['identity', '1.1', 501],
    ['xchunked', '1.1', 501],
    ['chunked', '1.0', 400],
  ])('are not stored as they came: Transfer-Encoding %s in HTTP/%s', async (coding, version, expected) => {
    const head = signedHead(put, `Transfer-Encoding: ${coding}`).replace('HTTP/1.1', `HTTP/${version}`)
    const { statuses, closed } = await exchange(test.s3Url, `${head}4\r\nbody\r\n0\r\n\r\n`)
    expect([statuses, closed]).toEqual([[expected], true])
  })

  it('are those of HTTP/1.1 without a host', async () => {
    const { statuses } = await exchange(test.s3Url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')
    expect(statuses).toEqual([400])
  })

  it('are those with two hosts, whoever asks', async () => {
    const head = 'GET /objects/kept HTTP/1.1\r\nHost: one\r\nHost: other\r\nConnection: close\r\n\r\n'
    const { statuses, text } = await exchange(test.s3Url, head)
    expect([statuses, text.includes('<Code>InvalidRequest</Code>')]).toEqual([[400], true])
  })

  it.each([
    'GET / HTTP/3.0\r\n\r\n',
    'GET /\r\n\r\n',
    'get / HTTP/1.1\r\n\r\n',
    'FOO / HTTP/1.1\r\n\r\n',
    'GET / objects HTTP/1.1\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    '\r\n\r\n\r\n\r\nnonsense\r\n\r\n',
    'GET / HTTP/1.1\r\nHost\r\n\r\n',
    'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n',
  ])('or in none get one refusal at most: %j', async (bytes) => {
    const { statuses, closed } = await exchange(test.s3Url, bytes)
    expect(closed).toBe(true)
    expect(statuses.length).toBeLessThanOrEqual(1)
    for (const status of statuses) expect([400, 403, 405]).toContain(status)
  })

  it('do not come of an upgrade', async () => {
    const head = signedHead(
      { method: 'GET', path: '/objects/kept' },
      'Connection: upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
    )
    const { statuses } = await exchange(test.s3Url, head, { patienceMs: 300 })
    expect(statuses).not.toContain(101)
  })

  it('are told from requests in a row, which are answered in their order', async () => {
    const one = signedHead({ method: 'GET', path: '/objects/kept' })
    const last = signedHead({ method: 'GET', path: '/objects/none' }, 'Connection: close')
    const { statuses } = await exchange(test.s3Url, one + one + last)
    expect(statuses).toEqual([200, 200, 404])
  })
})

describe('Garbage behind a request', () => {
  it('never gets into the object that is being sent: the connection is reset', async () => {
    const content = contentBytes('garbage', 4 * 1024 * 1024)
    await test.put('long', content)
    const socket = await openSocket(test.s3Url)
    const chunks: Buffer[] = []
    socket.write(signedHead({ method: 'GET', path: '/objects/long' }))
    await once(socket, 'readable')
    socket.write('GARBAGE GARBAGE\r\n\r\n')
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise((resolve) => socket.once('close', resolve))
    const received = Buffer.concat(chunks)
    const body = received.subarray(received.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBeLessThanOrEqual(content.length)
    expect(body.equals(content.subarray(0, body.length))).toBe(true)
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'long' }))
  })

  it('is not the answer to the request before it', async () => {
    const head = signedHead({ method: 'GET', path: '/objects/none' })
    const { statuses, closed } = await exchange(test.s3Url, `${head}GARBAGE GARBAGE\r\n\r\n`)
    expect(statuses).toEqual([])
    expect(closed).toBe(true)
  })
})

describe('Expect', () => {
  it('with anything but 100-continue is served all the same, as S3 does', async () => {
    for (const value of ['200-ok', '100-continue, more', '']) {
      const put = { method: 'PUT', path: '/objects/expected', payload: 'UNSIGNED-PAYLOAD' }
      const bytes = `${signedHead(put, `Expect: ${value}`, 'Content-Length: 4')}body`
      expect((await exchange(test.s3Url, bytes)).statuses).toEqual([200])
    }
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'expected' }))
  })

  it('means nothing in HTTP/1.0', async () => {
    const put = { method: 'PUT', path: '/objects/expected', payload: 'UNSIGNED-PAYLOAD' }
    const head = signedHead(put, 'Expect: 100-continue', 'Content-Length: 4').replace('HTTP/1.1', 'HTTP/1.0')
    expect((await exchange(test.s3Url, `${head}body`)).statuses).toEqual([200])
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'expected' }))
  })
})

describe('Bytes at random', () => {
  it('are answered with 4xx or a closed connection, never by a fault', async () => {
    const valid = signedHead(
      { method: 'GET', path: '/objects/none', query: { versionId: 'null' } },
      'Connection: close',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Buffer.from(valid, 'latin1')
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte
          // The other side ends, so that an unfinished head is not waited for.
          const { statuses } = await exchange(test.s3Url, bytes, { halfClose: true })
          for (const status of statuses) expect(status < 500 || status === 501).toBe(true)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('Clients that are slow, or gone,', () => {
  const SIZE = 8 * 1024 * 1024
  const works = async () => {
    await test.put('beside', 'beside')
    expect((await test.get('beside')).bytes.toString()).toBe('beside')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'beside' }))
  }

  it('hold up nobody else: half a head, half a body, an answer that is not read', async () => {
    await test.put('large', contentBytes('large', SIZE))
    const before = await test.blobs()
    const sockets = await Promise.all(Array.from({ length: 150 }, () => openSocket(test.s3Url)))
    for (const [index, socket] of sockets.entries()) {
      socket.pause()
      if (index % 3 === 0) socket.write('GET /objects/kept HTTP/1.1\r\nHost: slow')
      else if (index % 3 === 1) {
        const put = { method: 'PUT', path: `/objects/slow-${index}`, payload: 'UNSIGNED-PAYLOAD' }
        socket.write(`${signedHead(put, 'Content-Length: 400000')}${'x'.repeat(300_000)}`)
      } else socket.write(signedHead({ method: 'GET', path: '/objects/large' }))
    }
    for (let round = 0; round < 5; round++) await works()
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => test.blobs(), { timeout: 10_000 }).toEqual(before)
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'large' }))
  })

  it('that end in the middle of a body leave nothing', async () => {
    const before = await test.blobs()
    for (const size of [10, 400_000]) {
      const put = { method: 'PUT', path: '/objects/half', payload: 'UNSIGNED-PAYLOAD' }
      const bytes = `${signedHead(put, `Content-Length: ${size * 2}`)}${'x'.repeat(size)}`
      const { statuses } = await exchange(test.s3Url, bytes, { halfClose: true })
      for (const status of statuses) expect(status).toBe(400)
    }
    // What was deleted before may still wait for its readers to be gone.
    const added = async () => (await test.blobs()).filter((blob) => !before.includes(blob))
    await expect.poll(added, { timeout: 10_000 }).toEqual([])
  })

  it('that reset in the middle of an answer cost nothing', async () => {
    await test.put('large', contentBytes('large', SIZE))
    for (let round = 0; round < 10; round++) {
      const outgoing = startRaw(test.s3Url, signRaw(test.s3Url, { method: 'GET', path: '/objects/large' }))
      outgoing.end()
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
      await once(incoming, 'data')
      incoming.on('error', () => {})
      incoming.socket.resetAndDestroy()
    }
    await works()
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'large' }))
    await expect.poll(async () => (await test.blobFiles()).length, { timeout: 10_000 }).toBe(0)
  })

  it('that wait for 100-continue are refused before they send a byte', async () => {
    const head = `PUT /objects/waiting HTTP/1.1\r\n${HOST}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`
    const { statuses, closed } = await exchange(test.s3Url, head)
    expect([statuses, closed]).toEqual([[403], true])
    const put = { method: 'PUT', path: '/objects/waiting', payload: 'UNSIGNED-PAYLOAD' }
    const allowed = await exchange(test.s3Url, signedHead(put, 'Content-Length: 1000', 'Expect: 100-continue'), {
      patienceMs: 500,
    })
    expect(allowed.statuses).toEqual([100])
  })

  it('that are refused while they send get to read why', async () => {
    const body = Buffer.alloc(2 * 1024 * 1024)
    const reply = await sendPlain(test.s3Url, { method: 'PUT', target: '/objects/refused', body })
    expect(outcome(reply)).toBe('403 AccessDenied')
  })
})
