import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, DIGEST_BYTES, hashOf } from '../../base/checksums.ts'
import { decodeBase64 } from '../../base/decode.ts'
import { hasCode } from '../../base/errors.ts'
import { collect, type StreamErrorCode } from '../../base/streams.ts'
import { S3Error } from './error-codes.ts'
import type { RequestBody, S3Request } from './request.ts'

/** What the client says its body hashes to. */
export interface ChecksumRequest {
  readonly contentMd5?: Buffer
  /** Present when a checksum is to be computed and stored. */
  readonly algorithm?: ChecksumAlgorithm
  /** 'trailer': known at the end of the body, see `trailingChecksum`. Absent: nothing to compare with. */
  readonly expected?: Buffer | 'trailer'
}

const PREFIX = 'x-amz-checksum-'
/** They share the prefix of the values. */
const NOT_VALUES: ReadonlySet<string> = new Set(['algorithm', 'type', 'mode'])

/**
 * Reads Content-MD5, `x-amz-checksum-<algorithm>`, x-amz-trailer and x-amz-sdk-checksum-algorithm. Throws
 * InvalidDigest for a bad MD5 and InvalidRequest for more than one checksum, a bad value or a contradiction.
 */
export function readChecksumRequest(request: S3Request): ChecksumRequest {
  const inHeader = headerChecksum(request)
  const trailing = trailerAlgorithm(request)
  if (inHeader && trailing) throw moreThanOne()
  const algorithm = inHeader?.algorithm ?? trailing
  checkSdkAlgorithm(request, algorithm)
  return {
    ...onlyMd5(request),
    ...(inHeader ?? {}),
    ...(trailing ? { algorithm: trailing, expected: 'trailer' } : {}),
  }
}

function onlyMd5({ headers }: S3Request): ChecksumRequest {
  const text = headers.get('content-md5')
  if (text === undefined) return {}
  const contentMd5 = decodeDigest(text, DIGEST_BYTES.md5)
  if (contentMd5 === undefined) throw new S3Error('InvalidDigest', undefined, { extra: { 'Content-MD5': text } })
  return { contentMd5 }
}

function headerChecksum(request: S3Request): { algorithm: ChecksumAlgorithm; expected: Buffer } | undefined {
  const algorithm = headerChecksumAlgorithm(request)
  if (algorithm === undefined) return undefined
  return { algorithm, expected: parseChecksum(algorithm, request.headers.get(`${PREFIX}${algorithm}`) ?? '') }
}

/** Of the one header that carries a checksum. Throws InvalidRequest for more than one and for unknown ones. */
export function headerChecksumAlgorithm({ headers }: S3Request): ChecksumAlgorithm | undefined {
  let found: ChecksumAlgorithm | undefined
  for (const name of headers.keys()) {
    if (!name.startsWith(PREFIX)) continue
    const suffix = name.slice(PREFIX.length)
    if (NOT_VALUES.has(suffix)) continue
    const algorithm = checksumAlgorithm(suffix)
    if (algorithm === undefined) {
      throw new S3Error('InvalidRequest', 'The algorithm type you specified in x-amz-checksum- header is invalid.')
    }
    if (found) throw moreThanOne()
    found = algorithm
  }
  return found
}

function trailerAlgorithm({ headers }: S3Request): ChecksumAlgorithm | undefined {
  const names = headers.get('x-amz-trailer')?.split(',') ?? []
  if (names.length > 1) throw moreThanOne()
  const [name] = names
  if (name === undefined) return undefined
  const algorithm = checksumAlgorithm(name.trim().toLowerCase().slice(PREFIX.length))
  if (algorithm === undefined) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  }
  return algorithm
}

const moreThanOne = (): S3Error =>
  new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')

function checkSdkAlgorithm({ headers }: S3Request, algorithm: ChecksumAlgorithm | undefined): void {
  const text = headers.get('x-amz-sdk-checksum-algorithm')
  if (text === undefined || text.toUpperCase() === 'MD5') return
  const named = checksumAlgorithm(text.toLowerCase())
  if (named === undefined) throw invalidValue('x-amz-sdk-checksum-algorithm header')
  // Some SDKs name an algorithm although Content-MD5 is all they send.
  if (algorithm === undefined && !headers.has('content-md5')) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (algorithm !== undefined && algorithm !== named) throw invalidValue('x-amz-sdk-checksum-algorithm header')
}

/** By its name in a header, lower case; undefined when S3 has no such checksum. */
export const checksumAlgorithm = (name: string): ChecksumAlgorithm | undefined =>
  CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name)

const invalidValue = (what: string): S3Error => new S3Error('InvalidRequest', `Value for ${what} is invalid.`)

/** The digest in base64 of `x-amz-checksum-<algorithm>`. Throws BadDigest for what cannot be one: no body has it. */
export function parseChecksum(algorithm: ChecksumAlgorithm, text: string, what = 'header'): Buffer {
  const digest = decodeDigest(text, DIGEST_BYTES[algorithm])
  if (digest === undefined) throw new S3Error('BadDigest', `Value for ${PREFIX}${algorithm} ${what} is invalid.`)
  return digest
}

function decodeDigest(text: string, lengthBytes: number): Buffer | undefined {
  const digest = decodeBase64(text)
  return digest?.length === lengthBytes ? digest : undefined
}

/** The announced checksum, after the end of the body's stream. Throws InvalidRequest. */
export function trailingChecksum(algorithm: ChecksumAlgorithm, body: RequestBody): Buffer {
  return parseChecksum(algorithm, body.trailers.get(`${PREFIX}${algorithm}`) ?? '', 'trailing header')
}

export interface XmlBodyOptions {
  readonly maxBytes: number
  /** S3 insists on a digest where acting upon a damaged list would destroy something. */
  readonly required?: boolean
  /** The x-amz-checksum headers speak of the object, not of this body (CompleteMultipartUpload). */
  readonly ignoreChecksums?: boolean
}

/**
 * A small body in memory, verified against the digests it came with. Throws MaxMessageLengthExceeded, BadDigest, or
 * InvalidRequest when a digest is required and there is none.
 */
export async function readXmlBody(request: S3Request, body: RequestBody, options: XmlBodyOptions): Promise<Buffer> {
  const wanted: ChecksumRequest = options.ignoreChecksums ? onlyMd5(request) : readChecksumRequest(request)
  if (options.required && wanted.contentMd5 === undefined && wanted.expected === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5')
  }
  const bytes = await readAll(body, options.maxBytes)
  if (wanted.contentMd5) checkDigest('md5', wanted.contentMd5, bytes)
  if (wanted.algorithm && wanted.expected) {
    const { algorithm, expected } = wanted
    checkDigest(algorithm, expected === 'trailer' ? trailingChecksum(algorithm, body) : expected, bytes)
  }
  return bytes
}

async function readAll(body: RequestBody, maxBytes: number): Promise<Buffer> {
  if ((body.lengthBytes ?? 0) > maxBytes) throw new S3Error('MaxMessageLengthExceeded')
  try {
    return await collect(body.stream, maxBytes)
  } catch (error) {
    if (hasCode<StreamErrorCode>(error, 'StreamTooLong')) throw new S3Error('MaxMessageLengthExceeded')
    throw error
  }
}

function checkDigest(algorithm: ChecksumAlgorithm | 'md5', expected: Buffer, bytes: Buffer): void {
  const computed = hashOf(algorithm, bytes)
  if (computed.equals(expected)) return
  throw badDigest(algorithm, expected, computed)
}

export function badDigest(algorithm: ChecksumAlgorithm | 'md5', expected: Buffer, computed: Buffer): S3Error {
  if (algorithm !== 'md5') {
    return new S3Error(
      'BadDigest',
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    )
  }
  return new S3Error('BadDigest', undefined, {
    extra: { ExpectedDigest: expected.toString('base64'), CalculatedDigest: computed.toString('base64') },
  })
}
