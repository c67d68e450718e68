import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { createChunkDecoder } from '../../../src/api/s3/sigv4/aws-chunked.ts'
import { awsChunked } from '../../support/aws-chunked.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const BODY = Buffer.from('the quick brown fox jumps over the lazy dog')
const SEED = {
  key: Buffer.alloc(32, 1),
  signature: 'a'.repeat(64),
  amzDate: '20300101T000000Z',
  scope: '20300101/us-east-1/s3/aws4_request',
}
const TRAILER = { 'x-amz-checksum-crc32': 'AAAAAA==' }

/** The first byte says how the rest is to be read: signed or not, with a trailer or not. */
const form = (flags: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.of(flags), bytes])
const decode = (flags: number, pieces: readonly Buffer[]) => {
  const trailers = new Map<string, string>()
  const decoder = createChunkDecoder({
    lengthBytes: BODY.length,
    signing: flags & 1 ? { ...SEED, key: createSecretKey(SEED.key), seedSignature: SEED.signature } : undefined,
    announced: flags & 2 ? Object.keys(TRAILER) : [],
    trailers,
  })
  const out = pieces.flatMap((piece) => decoder.write(piece))
  decoder.end()
  return { bytes: Buffer.concat(out), trailers }
}

export const awsChunkedTarget: FuzzTarget = {
  name: 'aws-chunked',
  seeds: [0, 1, 2, 3].map((flags) =>
    form(
      flags,
      awsChunked(BODY, {
        chunkBytes: 16,
        ...(flags & 1 ? { seed: SEED } : {}),
        ...(flags & 2 ? { trailer: TRAILER } : {}),
      }),
    ),
  ),
  words: [
    '\r\n',
    '0\r\n',
    ';chunk-signature=',
    'ffffffff',
    '00000000',
    'x-amz-trailer-signature:',
    'x-amz-checksum-crc32:',
  ],
  mayThrow: refusals(),
  run: (input) => {
    const flags = input[0] ?? 0
    const bytes = input.subarray(1)
    const whole = decode(flags, [bytes])
    assert.equal(whole.bytes.length, BODY.length)
    if (flags & 1) assert.deepEqual(whole.bytes, BODY, 'signed chunks were changed')
    const half = bytes.length >> 1
    const cut = decode(flags, [bytes.subarray(0, 1), bytes.subarray(1, half), bytes.subarray(Math.max(1, half))])
    assert.deepEqual(cut, whole)
  },
}
