import { createHash, type Hash, type KeyObject } from 'node:crypto'
import { S3Error } from '../error-codes.ts'
import { sameSignature } from './same-signature.ts'
import { EMPTY_SHA256, hmacHex, sha256Hex } from './signing-key.ts'
import { checkTrailers, parseTrailers } from './trailers.ts'

/** What the signature of the first chunk continues: the request's own. */
export interface ChunkSigning {
  readonly key: KeyObject
  readonly seedSignature: string
  readonly amzDate: string
  readonly scope: string
}

export interface ChunkDecoderOptions {
  /** x-amz-decoded-content-length */
  readonly lengthBytes: number
  /** Undefined: the chunks carry no signatures. */
  readonly signing: ChunkSigning | undefined
  readonly announced: readonly string[]
  /** Filled at the end, after everything verified. */
  readonly trailers: Map<string, string>
}

/**
 * Decodes `aws-chunked`: `hex-size[;chunk-signature=…] CRLF bytes CRLF`, a last chunk of size 0, trailers, CRLF.
 * Bytes come out as they come in, so nothing is buffered; a chunk whose signature is wrong throws before the next
 * one begins. Nothing may be kept unless `end` has returned.
 */
export interface ChunkDecoder {
  /** The decoded bytes in `input`: views on it, no copies. */
  readonly write: (input: Buffer) => Buffer[]
  readonly end: () => void
}

const MAX_HEADER_BYTES = 256
const MAX_TAIL_BYTES = 4096
const CR = 13
const LF = 10

export function createChunkDecoder(options: ChunkDecoderOptions): ChunkDecoder {
  const { lengthBytes, signing, announced, trailers } = options
  const signatures = signing && createSignatureChain(signing)
  const readHeader = signing ? readSignedHeader : readUnsignedHeader
  let state: 'header' | 'data' | 'cr' | 'lf' | 'tail' = 'header'
  let text = ''
  let rest = 0
  let total = 0

  const takeHeader = (input: Buffer, start: number): number => {
    const newline = input.indexOf(LF, start)
    const end = newline < 0 ? input.length : newline + 1
    if (text.length + end - start > MAX_HEADER_BYTES) throw malformed()
    text += input.toString('latin1', start, end)
    if (newline >= 0) {
      startChunk(readHeader(text))
      text = ''
    }
    return end
  }
  const startChunk = ({ size, signature }: ChunkHeader): void => {
    total += size
    if (total > lengthBytes) throw wrongLength()
    signatures?.begin(signature)
    rest = size
    state = size === 0 ? 'tail' : 'data'
    if (size === 0) signatures?.verify()
  }
  const takeData = (input: Buffer, start: number, out: Buffer[]): number => {
    const end = Math.min(input.length, start + rest)
    const bytes = input.subarray(start, end)
    signatures?.update(bytes)
    out.push(bytes)
    rest -= bytes.length
    if (rest === 0) {
      signatures?.verify()
      state = 'cr'
    }
    return end
  }
  const takeByte = (byte: number | undefined, expected: number, then: typeof state): void => {
    if (byte !== expected) throw malformed()
    state = then
  }
  const takeTail = (input: Buffer, start: number): number => {
    if (text.length + input.length - start > MAX_TAIL_BYTES) throw new S3Error('MalformedTrailerError')
    text += input.toString('latin1', start)
    return input.length
  }

  const write = (input: Buffer): Buffer[] => {
    const out: Buffer[] = []
    for (let at = 0; at < input.length; ) {
      if (state === 'data') at = takeData(input, at, out)
      else if (state === 'header') at = takeHeader(input, at)
      else if (state === 'cr') takeByte(input[at++], CR, 'lf')
      else if (state === 'lf') takeByte(input[at++], LF, 'header')
      else at = takeTail(input, at)
    }
    return out
  }
  const end = (): void => {
    if (state !== 'tail' || total !== lengthBytes) throw wrongLength()
    const received = parseTrailers(text)
    checkTrailers(received, announced)
    if (signatures && (announced.length > 0 || received.signature !== undefined))
      signatures.verifyTrailers(received.fields, received.signature)
    else if (received.signature !== undefined) throw new S3Error('MalformedTrailerError')
    for (const [name, value] of received.fields) trailers.set(name, value)
  }
  return { write, end }
}

interface ChunkHeader {
  readonly size: number
  readonly signature: string
}

const SIGNED_HEADER = /^([0-9A-Fa-f]{1,8});chunk-signature=([0-9a-f]{64})\r\n$/
const UNSIGNED_HEADER = /^([0-9A-Fa-f]{1,8})\r\n$/

function readSignedHeader(text: string): ChunkHeader {
  const [, size, signature] = SIGNED_HEADER.exec(text) ?? []
  if (size === undefined || signature === undefined) throw malformed()
  return { size: Number.parseInt(size, 16), signature }
}

function readUnsignedHeader(text: string): ChunkHeader {
  const [, size] = UNSIGNED_HEADER.exec(text) ?? []
  if (size === undefined) throw malformed()
  return { size: Number.parseInt(size, 16), signature: '' }
}

const malformed = (): S3Error => new S3Error('InvalidRequest', 'The aws-chunked body is not well-formed.')
const wrongLength = (): S3Error =>
  new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header',
  )

interface SignatureChain {
  readonly begin: (signature: string) => void
  readonly update: (bytes: Buffer) => void
  readonly verify: () => void
  readonly verifyTrailers: (
    fields: readonly (readonly [name: string, value: string])[],
    signature: string | undefined,
  ) => void
}

/** Every chunk's signature covers the one before it, so chunks can't be dropped, repeated or reordered. */
function createSignatureChain({ key, seedSignature, amzDate, scope }: ChunkSigning): SignatureChain {
  let previous = seedSignature
  let current = ''
  let hash: Hash = createHash('sha256')

  const check = (algorithm: string, hashes: string, signature: string): void => {
    const stringToSign = `${algorithm}\n${amzDate}\n${scope}\n${previous}\n${hashes}`
    if (!sameSignature(signature, hmacHex(key, stringToSign))) {
      throw new S3Error('SignatureDoesNotMatch', undefined, {
        extra: { StringToSign: stringToSign, SignatureProvided: signature },
      })
    }
    previous = signature
  }
  return {
    begin: (signature) => {
      current = signature
      hash = createHash('sha256')
    },
    update: (bytes) => {
      hash.update(bytes)
    },
    verify: () => check('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256}\n${hash.digest('hex')}`, current),
    verifyTrailers: (fields, signature) => {
      if (signature === undefined) throw new S3Error('MalformedTrailerError')
      const canonical = fields.map(([name, value]) => `${name}:${value}\n`).join('')
      check('AWS4-HMAC-SHA256-TRAILER', sha256Hex(Buffer.from(canonical, 'latin1')), signature)
    },
  }
}
