import { type ChunkSeed, hmac, sha256 } from './raw-s3.ts'

export interface ChunkedOptions {
  readonly chunkBytes: number
  /** Signs every chunk. */
  readonly seed?: ChunkSeed
  /** Sent after the last chunk, and signed when the chunks are. */
  readonly trailer?: Readonly<Record<string, string>>
  /** What is done to the signature of a chunk (0 …), of the last, empty one (-1), or of the trailer ('trailer'). */
  readonly forge?: (signature: string, which: number | 'trailer') => string
}

const EMPTY = sha256('')

/** A body in `aws-chunked`, written from the published description alone. */
export function awsChunked(body: Buffer, options: ChunkedOptions): Buffer {
  const { chunkBytes, seed, trailer, forge = (signature) => signature } = options
  const out: Buffer[] = []
  let previous = seed?.signature ?? ''
  const sign = (algorithm: string, hashes: string): string => {
    if (!seed) return ''
    previous = hmac(seed.key, [algorithm, seed.amzDate, seed.scope, previous, hashes].join('\n')).toString('hex')
    return previous
  }
  const chunk = (bytes: Buffer, which: number): void => {
    const signature = sign('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY}\n${sha256(bytes)}`)
    const extension = seed ? `;chunk-signature=${forge(signature, which)}` : ''
    out.push(Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes)
    if (bytes.length > 0) out.push(Buffer.from('\r\n'))
  }
  for (let at = 0; at < body.length; at += chunkBytes) chunk(body.subarray(at, at + chunkBytes), at / chunkBytes)
  chunk(Buffer.alloc(0), -1)
  if (trailer) {
    const lines = Object.entries(trailer).map(([name, value]) => `${name}:${value}`)
    for (const line of lines) out.push(Buffer.from(`${line}\r\n`))
    if (seed) {
      const signature = sign('AWS4-HMAC-SHA256-TRAILER', sha256(lines.map((line) => `${line}\n`).join('')))
      out.push(Buffer.from(`x-amz-trailer-signature:${forge(signature, 'trailer')}\r\n`))
    }
  }
  out.push(Buffer.from('\r\n'))
  return Buffer.concat(out)
}

/** The same signature with one bit changed. */
export const flipped = (signature: string): string => `${signature[0] === '0' ? '1' : '0'}${signature.slice(1)}`
