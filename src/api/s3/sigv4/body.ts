import { createHash, type Hash } from 'node:crypto'
import { hasCode } from '../../../base/errors.ts'
import { handOver } from '../../../base/spent-memory.ts'
import { inspected, type StreamErrorCode } from '../../../base/streams.ts'
import { S3Error } from '../error-codes.ts'
import type { RequestBody, S3Request } from '../request.ts'
import { type ChunkSigning, createChunkDecoder } from './aws-chunked.ts'
import { type PayloadMode, payloadMode } from './payload.ts'
import { EMPTY_SHA256, sha256Hex } from './signing-key.ts'
import { announcedTrailers } from './trailers.ts'

/**
 * The body in the payload mode that was signed. Throws what is wrong with the headers that describe the body, or
 * MissingContentLength for aws-chunked without its decoded length; its stream throws IncompleteBody, XAmzContentSHA256Mismatch, SignatureDoesNotMatch,
 * MalformedTrailerError or InvalidRequest at the latest at its end.
 */
export function openSignedBody(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  mode: PayloadMode,
  signing: ChunkSigning | undefined,
): RequestBody {
  const lengthBytes = contentLength(request)
  const announced = announcedTrailers(request)
  if (mode.kind === 'chunked') return chunkedBody(request, received(raw, lengthBytes), mode, signing, announced)
  if (announced.length > 0) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs x-amz-content-sha256 to be one of the STREAMING values.')
  }
  return {
    lengthBytes,
    stream: received(raw, lengthBytes, mode.kind === 'hashed' ? mode.sha256 : undefined),
    trailers: new Map(),
    announcedTrailers: announced,
  }
}

/** The body of a request that carries no signature (bearer token). A hash or unsigned chunks are still understood. */
export function plainBody(request: S3Request, raw: AsyncIterable<Buffer>): RequestBody {
  const contentSha256 = request.headers.get('x-amz-content-sha256')
  const mode: PayloadMode = contentSha256 === undefined ? { kind: 'unsigned' } : payloadMode(contentSha256)
  return openSignedBody(request, raw, mode, undefined)
}

function contentLength(request: S3Request): number | undefined {
  const text = request.headers.get('content-length')
  if (text !== undefined) return parseLength(text, 'Content-Length')
  // Without either there is no body in HTTP. Operations that store it insist on a length themselves.
  return request.headers.has('transfer-encoding') ? undefined : 0
}

function parseLength(text: string, name: string): number {
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(length)) return length
  throw new S3Error('InvalidArgument', `The value of ${name} is not a length.`, {
    extra: { ArgumentName: name, ArgumentValue: text },
  })
}

/** Throws IncompleteBody, or XAmzContentSHA256Mismatch, at the end. */
function received(
  raw: AsyncIterable<Buffer>,
  lengthBytes: number | undefined,
  sha256?: string,
): AsyncIterableIterator<Buffer> {
  let total = 0
  const hash = sha256 === undefined ? undefined : bodyHash(lengthBytes)
  return inspected(raw, {
    each: (chunk) => {
      total += chunk.length
      hash?.update(chunk)
      handOver(chunk)
    },
    end: () => {
      if (lengthBytes !== undefined && total !== lengthBytes) throw new S3Error('IncompleteBody')
      const computed = hash?.digest()
      if (computed === sha256) return
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        extra: { ClientComputedContentSHA256: sha256 ?? '', S3ComputedContentSHA256: computed ?? '' },
      })
    },
    failed: (error) =>
      hasCode<StreamErrorCode>(error, 'StreamAborted')
        ? new S3Error('IncompleteBody', undefined, { cause: error })
        : error,
  })
}

/** A body that comes in one piece is hashed at once: 0.5 µs less than with a hash object. */
function bodyHash(lengthBytes: number | undefined) {
  let whole: string | undefined
  let pieces: Hash | undefined
  return {
    update: (chunk: Buffer): void => {
      if (chunk.length === 0) return
      if (chunk.length === lengthBytes && !pieces) whole = sha256Hex(chunk)
      else {
        pieces ??= createHash('sha256')
        pieces.update(chunk)
      }
    },
    digest: (): string => pieces?.digest('hex') ?? whole ?? EMPTY_SHA256,
  }
}

function chunkedBody(
  request: S3Request,
  bytes: AsyncIterable<Buffer>,
  mode: PayloadMode & { readonly kind: 'chunked' },
  signing: ChunkSigning | undefined,
  announced: readonly string[],
): RequestBody {
  if (mode.signed && signing === undefined) {
    throw new S3Error('InvalidRequest', 'Signed chunks need a request that is signed with AWS4-HMAC-SHA256.')
  }
  if (!mode.trailer && announced.length > 0) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs x-amz-content-sha256 to be one that ends with TRAILER.')
  }
  const decodedLength = request.headers.get('x-amz-decoded-content-length')
  if (decodedLength === undefined) throw new S3Error('MissingContentLength')
  const lengthBytes = parseLength(decodedLength, 'x-amz-decoded-content-length')
  const trailers = new Map<string, string>()
  return {
    lengthBytes,
    stream: decoded(bytes, { lengthBytes, signing: mode.signed ? signing : undefined, announced, trailers }),
    trailers,
    announcedTrailers: announced,
  }
}

async function* decoded(
  bytes: AsyncIterable<Buffer>,
  options: Parameters<typeof createChunkDecoder>[0],
): AsyncGenerator<Buffer> {
  const decoder = createChunkDecoder(options)
  for await (const piece of bytes) yield* decoder.write(piece)
  decoder.end()
}
