import { type Cipheriv, createCipheriv, createHash } from 'node:crypto'
import { Readable } from 'node:stream'

const CHUNK_BYTES = 256 * 1024

/** Bytes that follow from `seed` alone: the same seed gives the same bytes, so that nothing has to be kept to verify them. */
export function contentBytes(seed: string, lengthBytes: number): Buffer {
  return generator(seed).update(Buffer.alloc(lengthBytes))
}

/** The same bytes as `contentBytes`, made chunk by chunk. `offset` starts further on (a multiple of 16). */
export function contentStream(seed: string, lengthBytes: number, offset = 0): Readable {
  return Readable.from(contentChunks(seed, lengthBytes, offset), { objectMode: false, highWaterMark: CHUNK_BYTES })
}

export function* contentChunks(seed: string, lengthBytes: number, offset = 0): Generator<Buffer> {
  const bytes = generator(seed, offset)
  for (let left = lengthBytes; left > 0; left -= CHUNK_BYTES) {
    yield bytes.update(Buffer.alloc(Math.min(left, CHUNK_BYTES)))
  }
}

export function contentHash(seed: string, lengthBytes: number): string {
  const hash = createHash('sha256')
  for (const chunk of contentChunks(seed, lengthBytes)) hash.update(chunk)
  return hash.digest('hex')
}

export async function hashOf(
  body: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<{ hash: string; lengthBytes: number }> {
  const hash = createHash('sha256')
  let lengthBytes = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    hash.update(chunk)
    lengthBytes += chunk.length
  }
  return { hash: hash.digest('hex'), lengthBytes }
}

/** AES-128-CTR over zeros: a fast generator that can start at any block. */
function generator(seed: string, offset = 0): Cipheriv {
  if (offset % 16 !== 0) throw new RangeError('offset must be a multiple of 16')
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(offset / 16), 8)
  return createCipheriv('aes-128-ctr', createHash('sha256').update(seed).digest().subarray(0, 16), counter)
}

/** Pseudo-random numbers that follow from `seed` alone. */
export interface Dice {
  /** 0 … below - 1. */
  readonly below: (below: number) => number
  readonly pick: <T>(choices: readonly T[]) => T
}

export function diceFrom(seed: string): Dice {
  const bytes = generator(seed)
  const below = (limit: number): number => bytes.update(Buffer.alloc(4)).readUInt32BE() % limit
  return {
    below,
    pick: (choices) => {
      const choice = choices[below(choices.length)]
      if (choice === undefined) throw new RangeError('nothing to pick from')
      return choice
    },
  }
}
