import { timingSafeEqual } from 'node:crypto'
import { spending } from '../base/spent-memory.ts'
import { piecewise } from '../base/streams.ts'
import { ByteQueue } from './byte-queue.ts'
import type { Dek } from './dek.ts'
import { forged } from './errors.ts'
import { decodeHeader, PREFIX_BYTES } from './header.ts'
import { type PartIdentity, type PartKeys, partKeys } from './part-keys.ts'
import {
  type ByteRange,
  HEADER_SIZE,
  sealedLength,
  sealedRange,
  segmentLength,
  segmentsOf,
  TAG_SIZE,
} from './segment.ts'
import { type SegmentCipher, segmentCipher } from './segment-cipher.ts'

/** Usable for any number of ranges, one after the other or together, until it is disposed: then the part key is zeroed. */
export interface PartOpener extends Disposable {
  /** Length of a whole stored segment with its tag. */
  readonly sealedSegmentBytes: number
  /** The stored bytes (half-open, whole segments) that cover a plaintext range. The empty part has the range [0, 0). */
  readonly ciphertextRange: (range: ByteRange) => ByteRange
  /**
   * Exactly the plaintext of `range`, from exactly the bytes of ciphertextRange(range). A segment is verified whole
   * before any of it is released, and the last one only when the source has ended. Throws EnvelopeForged.
   * When the source's chunks are whole segments, none of them is kept once the next one is asked for.
   */
  readonly unseal: (range: ByteRange, ciphertext: AsyncIterable<Uint8Array>) => AsyncIterableIterator<Buffer>
  /** The same, all that came of a chunk at once. */
  readonly unsealBatches: (range: ByteRange, ciphertext: AsyncIterable<Uint8Array>) => AsyncGenerator<Buffer[], void>
  /** The same for ciphertext that is in memory already, at once. */
  readonly bytes: (range: ByteRange, ciphertext: Uint8Array) => Buffer[]
}

/**
 * Everything that can be known of a stored part before its segments are read. `storedHeader` is its first 80 bytes,
 * `storedLengthBytes` the length of the stored blob; `partSalt` and `plainLengthBytes` come from the authenticated
 * manifest. Throws EnvelopeForged.
 */
export const openPart = (...part: Parameters<typeof provenPart>): PartOpener => partOpener(provenPart(...part))

/** The keys of a stored part whose header, length and commitment are what they should be. Whoever keeps them zeroes `key`. */
export interface ProvenPart extends PartKeys {
  readonly segmentSize: number
  readonly plainLengthBytes: number
}

/** As openPart. */
export function provenPart(
  dek: Dek,
  identity: PartIdentity,
  partSalt: Buffer,
  plainLengthBytes: number,
  storedHeader: Buffer,
  storedLengthBytes: number,
): ProvenPart {
  if (storedHeader.length !== HEADER_SIZE) throw forged('a part header is cut short')
  const header = decodeHeader(storedHeader)
  const { segmentSize } = header
  const belongsHere =
    header.blobId.equals(identity.blobId) &&
    header.partNumber === identity.partNumber &&
    header.partSalt.equals(partSalt)
  if (!belongsHere) throw forged('the part is of another upload')
  if (storedLengthBytes !== sealedLength(plainLengthBytes, segmentSize)) throw forged('the part has another length')
  const keys = partKeys(dek, identity, partSalt, segmentSize)
  if (!timingSafeEqual(keys.commitment, storedHeader.subarray(PREFIX_BYTES))) {
    keys.key.fill(0)
    throw forged('the part is committed to another key or place')
  }
  return { ...keys, segmentSize, plainLengthBytes }
}

/** Takes over `key`. */
export function partOpener({ segmentSize, plainLengthBytes, ...keys }: ProvenPart): PartOpener {
  const cipher = segmentCipher(keys)
  const reader = (range: ByteRange) => segmentReader(cipher, range, plainLengthBytes, segmentSize)
  return {
    sealedSegmentBytes: segmentSize + TAG_SIZE,
    ciphertextRange: (range) => sealedRange(range, plainLengthBytes, segmentSize),
    unseal: (range, ciphertext) => piecewise(batchesOf(reader(range), ciphertext)),
    unsealBatches: (range, ciphertext) => batchesOf(reader(range), ciphertext),
    bytes: (range, ciphertext) => openSegments(cipher, range, ciphertext, plainLengthBytes, segmentSize),
    [Symbol.dispose]: () => cipher[Symbol.dispose](),
  }
}

/** All of them verified before any is given out. */
function openSegments(
  cipher: SegmentCipher,
  range: ByteRange,
  ciphertext: Uint8Array,
  plainBytes: number,
  segmentSize: number,
): Buffer[] {
  const segments = segmentsOf(range, plainBytes, segmentSize)
  const lastOfPart = lastSegment(plainBytes, segmentSize)
  const out: Buffer[] = []
  let at = 0
  for (let index = segments.start; index < segments.end; index++) {
    const length = segmentLength(index, plainBytes, segmentSize)
    const tagAt = at + length
    if (ciphertext.length < tagAt + TAG_SIZE) throw forged('the ciphertext ends early', { segment: index })
    const tag = ciphertext.subarray(tagAt, tagAt + TAG_SIZE)
    const plaintext = cipher.open(index, index === lastOfPart, [ciphertext.subarray(at, tagAt)], length, tag)
    out.push(...cut(plaintext, range.start - index * segmentSize, range.end - index * segmentSize))
    at = tagAt + TAG_SIZE
  }
  if (at !== ciphertext.length) throw forged('there are bytes after the last segment')
  return out
}

const lastSegment = (plainBytes: number, segmentSize: number): number =>
  Math.max(0, Math.ceil(plainBytes / segmentSize) - 1)

async function* batchesOf(
  running: SegmentReader,
  ciphertext: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer[], void> {
  for await (const chunk of ciphertext) {
    const batch = running.push(chunk)
    if (batch.length > 0) yield batch
  }
  yield running.end()
}

interface SegmentReader {
  readonly push: (chunk: Uint8Array) => Buffer[]
  readonly end: () => Buffer[]
}

function segmentReader(
  cipher: SegmentCipher,
  range: ByteRange,
  plainBytes: number,
  segmentSize: number,
): SegmentReader {
  const segments = segmentsOf(range, plainBytes, segmentSize)
  const lastOfPart = lastSegment(plainBytes, segmentSize)
  const queue = new ByteQueue()
  const spent = spending()
  let index = segments.start
  let held: Buffer[] = []

  const next = (): Buffer[] => {
    const at = index++
    const length = segmentLength(at, plainBytes, segmentSize)
    const ciphertext = queue.take(length)
    const plaintext = cipher.open(at, at === lastOfPart, ciphertext, length, Buffer.concat(queue.take(TAG_SIZE)))
    spent.used(length + TAG_SIZE)
    return cut(plaintext, range.start - at * segmentSize, range.end - at * segmentSize)
  }
  const ready = () => index < segments.end && queue.length >= segmentLength(index, plainBytes, segmentSize) + TAG_SIZE

  return {
    push: (chunk) => {
      queue.push(chunk)
      spent.received(chunk)
      const batch: Buffer[] = []
      while (ready()) {
        const plaintext = next()
        if (index === segments.end) held = plaintext
        else batch.push(...plaintext)
      }
      if (index === segments.end && queue.length > 0) throw forged('there are bytes after the last segment')
      return batch
    },
    end: () => {
      if (index < segments.end) throw forged('the ciphertext ends early', { segment: index })
      return held
    },
  }
}

/** The bytes [start, end) of pieces laid end to end; the bounds may lie outside. */
function cut(pieces: Buffer[], start: number, end: number): Buffer[] {
  const out: Buffer[] = []
  let offset = 0
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, start - offset), Math.max(0, end - offset))
    if (part.length > 0) out.push(part)
    offset += piece.length
  }
  return out
}
