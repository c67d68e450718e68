import { CodedError } from '../base/errors.ts'
import { spending } from '../base/spent-memory.ts'
import { ByteQueue } from './byte-queue.ts'
import type { Dek } from './dek.ts'
import type { EnvelopeErrorCode } from './errors.ts'
import { type PartIdentity, partKeys } from './part-keys.ts'
import { newSalt } from './salt.ts'
import { MAX_SEGMENTS, SEGMENT_SIZE } from './segment.ts'
import { type SegmentCipher, segmentCipher } from './segment-cipher.ts'

export { contextDigest, type PartIdentity } from './part-keys.ts'
export { openPart } from './unseal.ts'

export interface PartSealer {
  /** 16 bytes, to be kept in the manifest. */
  readonly partSalt: Buffer
  /**
   * The stored form as it becomes ready: header, then ciphertext and tag of each segment. Pulls the source as it is
   * pulled; an error of the source comes through. Chunks must not be changed after the source gave them; those that were
   * handed over are spent.
   */
  readonly stream: (plaintext: AsyncIterable<Uint8Array>) => AsyncGenerator<Buffer, void, undefined>
  /** The same for a body that is in memory already, at once. */
  readonly bytes: (plaintext: readonly Uint8Array[]) => Buffer[]
  /** Plaintext bytes sealed; throws before the end. */
  readonly plainLength: number
}

/** `partSalt` is random unless a test asks for known bytes: under one DEK a salt must never be used twice. */
export function sealPart(dek: Dek, identity: PartIdentity, partSalt: Buffer = newSalt()): PartSealer {
  const keys = partKeys(dek, identity, partSalt, SEGMENT_SIZE)
  const writer = segmentWriter(segmentCipher(keys))
  const header = Buffer.concat([keys.prefix, keys.commitment])
  let used = false
  let sealedBytes: number | undefined

  // Precondition: a sealer seals exactly one part.
  const begin = (): Buffer => {
    if (used) throw new Error('a sealer seals exactly one part')
    used = true
    return header
  }

  return {
    partSalt,
    stream: async function* (plaintext) {
      const first = begin()
      using running = writer
      yield first
      for await (const chunk of plaintext) {
        for (const piece of running.push(chunk)) yield piece
      }
      const last = running.end()
      sealedBytes = running.plainBytes()
      for (const piece of last) yield piece
    },
    bytes: (plaintext) => {
      const out = [begin()]
      using running = writer
      for (const chunk of plaintext) out.push(...running.push(chunk))
      out.push(...running.end())
      sealedBytes = running.plainBytes()
      return out
    },
    get plainLength() {
      if (sealedBytes === undefined) throw new Error('the part is not sealed to its end')
      return sealedBytes
    },
  }
}

interface SegmentWriter extends Disposable {
  readonly push: (chunk: Uint8Array) => Generator<Buffer, void, undefined>
  readonly end: () => Buffer[]
  readonly plainBytes: () => number
}

/** The last segment is marked as such, so a segment is sealed only when it is known whether another follows. */
function segmentWriter(cipher: SegmentCipher): SegmentWriter {
  const queue = new ByteQueue()
  const spent = spending()
  let plainBytes = 0
  let index = 0

  const segment = (final: boolean): Buffer[] => {
    if (index >= MAX_SEGMENTS) throw new CodedError<EnvelopeErrorCode>('EnvelopeTooLarge', 'too many segments')
    const length = Math.min(queue.length, SEGMENT_SIZE)
    const sealed = cipher.seal(index++, final, queue.take(length), length)
    spent.used(length)
    return sealed
  }

  return {
    push: function* (chunk) {
      plainBytes += chunk.length
      queue.push(chunk)
      spent.received(chunk)
      while (queue.length > SEGMENT_SIZE) yield* segment(false)
    },
    end: () => segment(true),
    plainBytes: () => plainBytes,
    [Symbol.dispose]: () => cipher[Symbol.dispose](),
  }
}
