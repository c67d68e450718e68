import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { S3Request } from '../../../../src/api/s3/request.ts'
import { createChunkDecoder } from '../../../../src/api/s3/sigv4/aws-chunked.ts'
import { signingKey } from '../../../../src/api/s3/sigv4/signing-key.ts'
import documented from '../../../vectors/sigv4/documented.json' with { type: 'json' }
import { codeOf, codeOfAsync, rawRequest, readAll, split, streamOf } from '../raw-request.ts'
import { NOW, type Signed, signer, signHeader, verify, verifyRequest } from './signer.ts'

const EXAMPLE = {
  now: Date.UTC(2013, 4, 24),
  credentials: [{ accessKeyId: documented.accessKeyId, secretAccessKey: documented.secretAccessKey }],
}

const frame = (bytes: Buffer, signature?: string): Buffer =>
  Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}${signature === undefined ? '' : `;chunk-signature=${signature}`}\r\n`),
    bytes,
    Buffer.from(bytes.length === 0 ? '' : '\r\n'),
  ])

const exampleFrames = (chunks: readonly (readonly (string | number)[])[]): Buffer =>
  Buffer.concat(chunks.map(([size, signature]) => frame(Buffer.alloc(Number(size), 'a'), String(signature))))

describe('the documented upload of 66560 bytes', () => {
  const { chunkedUpload } = documented
  const open = (body: Buffer) =>
    verifyRequest(rawRequest({ ...chunkedUpload, headers: Object.entries(chunkedUpload.headers) }), EXAMPLE).openBody(
      streamOf(body),
    )
  const body = Buffer.concat([exampleFrames(chunkedUpload.chunks), Buffer.from('\r\n')])

  it('decodes to what was uploaded', async () => {
    expect(body.length).toBe(66824)
    const opened = open(body)
    expect(opened.lengthBytes).toBe(66560)
    expect(await readAll(opened.stream)).toEqual(Buffer.alloc(66560, 'a'))
  })

  it('is refused when any one byte of it is changed', async () => {
    for (let at = 0; at < body.length; at += at % 65626 < 100 || at > 66700 ? 1 : 997) {
      const changed = Buffer.from(body)
      changed[at] = (changed[at] ?? 0) ^ 0x02
      expect(await codeOfAsync(() => readAll(open(changed).stream)), `byte ${at}`).not.toBe('none')
    }
  })

  it('is refused when it is cut anywhere, or when something follows', async () => {
    for (const length of [0, 1, 50, 88, 1000, 65624, 65626, 66738, 66739, 66822, 66823]) {
      expect(await codeOfAsync(() => readAll(open(body.subarray(0, length)).stream))).toBe('IncompleteBody')
    }
    expect(await codeOfAsync(() => readAll(open(Buffer.concat([body, Buffer.from('x')])).stream))).toBe(
      'IncompleteBody',
    )
  })
})

describe('the documented upload with a trailer', () => {
  const { chunkedTrailer } = documented
  const scope = {
    accessKeyId: documented.accessKeyId,
    date: '20130524',
    region: 'us-east-1',
    service: 's3',
    scope: '20130524/us-east-1/s3/aws4_request',
  }
  const [name = '', value = ''] = chunkedTrailer.trailer
  const decode = (tail: string): Map<string, string> => {
    const trailers = new Map<string, string>()
    const decoder = createChunkDecoder({
      lengthBytes: 66560,
      signing: {
        key: signingKey(documented.secretAccessKey, scope),
        seedSignature: chunkedTrailer.seedSignature,
        amzDate: '20130524T000000Z',
        scope: scope.scope,
      },
      announced: [name],
      trailers,
    })
    decoder.write(Buffer.concat([exampleFrames(chunkedTrailer.chunks), Buffer.from(tail)]))
    decoder.end()
    return trailers
  }
  const signature = `x-amz-trailer-signature:${chunkedTrailer.trailerSignature}\r\n`

  it('verifies, with either line end that clients put after the trailer', () => {
    expect(decode(`${name}:${value}\r\n${signature}\r\n`)).toEqual(new Map([[name, value]]))
    expect(decode(`${name}:${value}\n\r\n${signature}\r\n`)).toEqual(new Map([[name, value]]))
  })

  it.each([
    ['another value', `${name}:aOO8/Q==\r\n${signature}\r\n`, 'SignatureDoesNotMatch'],
    ['another signature', `${name}:${value}\r\n${signature.replace('d81f', 'd82f')}\r\n`, 'SignatureDoesNotMatch'],
    ['no signature', `${name}:${value}\r\n\r\n`, 'MalformedTrailerError'],
    ['no trailer', `${signature}\r\n`, 'MalformedTrailerError'],
    ['a second trailer', `${name}:${value}\r\nx-amz-meta-a:b\r\n${signature}\r\n`, 'MalformedTrailerError'],
    ['the trailer twice', `${name}:${value}\r\n${name}:${value}\r\n${signature}\r\n`, 'MalformedTrailerError'],
    ['no last line end', `${name}:${value}\r\n${signature}`, 'MalformedTrailerError'],
    ['something after the end', `${name}:${value}\r\n${signature}\r\nx`, 'MalformedTrailerError'],
    ['endless trailers', `${name}:${value}\r\n`.repeat(1000), 'MalformedTrailerError'],
  ])('is refused with %s', (_what, tail, code) => {
    expect(codeOf(() => decode(tail))).toBe(code)
  })
})

async function signedFrames(signed: Signed, chunks: readonly Buffer[]): Promise<Buffer> {
  const frames: Buffer[] = []
  let priorSignature = /Signature=([0-9a-f]{64})/.exec(signed.headers['authorization'] ?? '')?.[1] ?? ''
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    priorSignature = await signer().sign(
      { headers: new Uint8Array(0), payload: chunk },
      { signingDate: new Date(NOW), signingRegion: 'us-east-1', signingService: 's3', priorSignature },
    )
    frames.push(frame(chunk, priorSignature))
  }
  return Buffer.concat([...frames, Buffer.from('\r\n')])
}

const signChunked = (contentSha256: string, length: number, more: Record<string, string> = {}): Promise<Signed> =>
  signHeader({
    method: 'PUT',
    headers: {
      'x-amz-content-sha256': contentSha256,
      'x-amz-decoded-content-length': String(length),
      'content-encoding': 'aws-chunked',
      'transfer-encoding': 'chunked',
      ...more,
    },
  })

describe('chunks signed by another implementation', () => {
  it('decode the same however the bytes arrive', async () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(
        fc.array(chunk, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (chunks, cuts) => {
          const whole = Buffer.concat(chunks)
          const signed = await signChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', whole.length)
          const body = verify(signed).openBody(streamOf(...split(await signedFrames(signed, chunks), cuts)))
          expect(await readAll(body.stream)).toEqual(whole)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('cannot be reordered, repeated or dropped', async () => {
    const chunks = [Buffer.from('one'), Buffer.from('two')]
    const signed = await signChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 6)
    const frames = (await signedFrames(signed, chunks))
      .toString('latin1')
      .match(/[0-9a-f]+;[^\r]*\r\n(?:[a-z]{3})?\r\n/g)
    const [one = '', two = '', last = ''] = frames ?? []
    const read = (...parts: string[]) =>
      codeOfAsync(() => readAll(verify(signed).openBody(streamOf(parts.join(''))).stream))
    expect(await read(one, two, last)).toBe('none')
    expect(await read(two, one, last)).toBe('SignatureDoesNotMatch')
    expect(await read(one, one, last)).toBe('SignatureDoesNotMatch')
    expect(await read(one, last)).toBe('SignatureDoesNotMatch')
    expect(await read(one, two)).toBe('IncompleteBody')
  })

  it('stop before the bytes of the next chunk', async () => {
    const signed = await signChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 6)
    const frames = await signedFrames(signed, [Buffer.from('one'), Buffer.from('two')])
    frames[frames.indexOf('one')] = 0x4f
    const seen: string[] = []
    await expect(async () => {
      for await (const piece of verify(signed).openBody(streamOf(frames.subarray(0, 120), frames.subarray(120)))
        .stream) {
        seen.push(piece.toString())
      }
    }).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
    expect(seen.join('')).not.toContain('two')
  })
})

describe('unsigned chunks with a trailer', () => {
  const CRC = 'x-amz-checksum-crc32'
  const open = async (body: string, length = 5, more: Record<string, string> = { 'x-amz-trailer': CRC }) => {
    const signed = await signChunked('STREAMING-UNSIGNED-PAYLOAD-TRAILER', length, more)
    return verify(signed).openBody(streamOf(body))
  }

  it('hand over the trailer at the end', async () => {
    const body = await open(`5\r\nhello\r\n0\r\n${CRC}:NhCmhg==\r\n\r\n`)
    expect(body.announcedTrailers).toEqual([CRC])
    expect(body.trailers.size).toBe(0)
    expect((await readAll(body.stream)).toString()).toBe('hello')
    expect(body.trailers.get(CRC)).toBe('NhCmhg==')
  })

  it('take the line ends of other clients', async () => {
    const body = await open(`5\r\nhello\r\n0\r\n${CRC}:NhCmhg==\n\r\n\r\n`)
    await readAll(body.stream)
    expect(body.trailers.get(CRC)).toBe('NhCmhg==')
  })

  it.each([
    ['a longer body', `6\r\nhello!\r\n0\r\n${CRC}:NhCmhg==\r\n\r\n`, 'IncompleteBody'],
    ['a shorter body', `4\r\nhell\r\n0\r\n${CRC}:NhCmhg==\r\n\r\n`, 'IncompleteBody'],
    ['a missing trailer', '5\r\nhello\r\n0\r\n\r\n', 'MalformedTrailerError'],
    ['no end', '5\r\nhello\r\n', 'IncompleteBody'],
    ['a bad size', 'g\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a negative size', '-5\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
    ['a huge size', 'fffffffff\r\nhello', 'InvalidRequest'],
    ['bare line feeds', `5\nhello\n0\n${CRC}:NhCmhg==\n\n`, 'InvalidRequest'],
    ['a chunk extension', `5;a=b\r\nhello\r\n0\r\n${CRC}:NhCmhg==\r\n\r\n`, 'InvalidRequest'],
    ['an endless header', '0'.repeat(300), 'InvalidRequest'],
    ['bytes between chunks', `5\r\nhelloX\r\n0\r\n${CRC}:NhCmhg==\r\n\r\n`, 'InvalidRequest'],
  ])('are refused with %s', async (_what, text, code) => {
    const body = await open(text)
    expect(await codeOfAsync(() => readAll(body.stream))).toBe(code)
  })

  it.each([
    ['a trailer that is no checksum', { 'x-amz-trailer': 'x-amz-meta-a' }, 'InvalidRequest'],
    ['the same trailer twice', { 'x-amz-trailer': `${CRC},${CRC}` }, 'InvalidRequest'],
    ['no decoded length', { 'x-amz-decoded-content-length': '' }, 'InvalidArgument'],
    ['a wild decoded length', { 'x-amz-decoded-content-length': '5e3' }, 'InvalidArgument'],
  ])('are refused at once for %s', async (_what, more, code) => {
    expect(await codeOfAsync(() => open('', 5, more))).toBe(code)
  })
})

describe('any bytes at all', () => {
  it('give a body or an S3 error', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('0', '5', '\r\n', '\r', 'hello', 'x-amz-checksum-crc32:NhCmhg==\r\n', ';chunk-signature=', 'ff'),
    )
    const signed = await signChunked('STREAMING-UNSIGNED-PAYLOAD-TRAILER', 5, {
      'x-amz-trailer': 'x-amz-checksum-crc32',
    })
    const chunked = await signChunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 5)
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        for (const request of [signed, chunked]) {
          const code = await codeOfAsync(() => readAll(verify(request).openBody(streamOf(...pieces)).stream))
          expect([
            'none',
            'InvalidRequest',
            'IncompleteBody',
            'MalformedTrailerError',
            'SignatureDoesNotMatch',
          ]).toContain(code)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('bodies in one piece', () => {
  const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  const put = async (more: Record<string, string>, ...body: string[]) => {
    const signed = await signHeader({ method: 'PUT', headers: more })
    return verify(signed).openBody(streamOf(...body))
  }

  it('are hashed and counted', async () => {
    const body = await put({ 'x-amz-content-sha256': HELLO_SHA256, 'content-length': '5' }, 'he', 'llo')
    expect(body.lengthBytes).toBe(5)
    expect((await readAll(body.stream)).toString()).toBe('hello')
  })

  it.each([
    [
      'another hash',
      { 'x-amz-content-sha256': HELLO_SHA256, 'content-length': '5' },
      'hallo',
      'XAmzContentSHA256Mismatch',
    ],
    ['too few bytes', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'content-length': '5' }, 'hell', 'IncompleteBody'],
    ['bytes without a length', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, 'hello', 'IncompleteBody'],
    [
      'a trailer that cannot come',
      { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      'hello',
      'InvalidRequest',
    ],
  ])('are refused for %s', async (_what, headers, text, code) => {
    expect(await codeOfAsync(async () => readAll((await put(headers, text)).stream))).toBe(code)
  })

  it('that do not come need no length', async () => {
    const request: S3Request = rawRequest(await signHeader({ method: 'PUT', path: '/bucket' }))
    expect(verifyRequest(request).openBody(streamOf()).lengthBytes).toBe(0)
  })
})
