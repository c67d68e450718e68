/** Plaintext bytes of every segment but the last. Writers use this size; readers take it from the header. */
export const SEGMENT_SIZE = 65_536
export const TAG_SIZE = 16
/** Header and commitment, before the first segment. */
export const HEADER_SIZE = 80
/** Segment indices are 0 … 2^32 − 2. */
export const MAX_SEGMENTS = 2 ** 32 - 1

/** Half-open byte range. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** An empty part has one segment too: its tag is what authenticates the emptiness. */
export const segmentCount = (plainBytes: number, segmentSize = SEGMENT_SIZE): number =>
  Math.max(1, Math.ceil(plainBytes / segmentSize))

/** Stored bytes of a part of `plainBytes`. */
export const sealedLength = (plainBytes: number, segmentSize = SEGMENT_SIZE): number =>
  HEADER_SIZE + plainBytes + TAG_SIZE * segmentCount(plainBytes, segmentSize)

/** The inverse of sealedLength; undefined when no part has that many stored bytes. */
export function plainLength(sealedBytes: number, segmentSize = SEGMENT_SIZE): number | undefined {
  if (!Number.isSafeInteger(sealedBytes)) return undefined
  const body = sealedBytes - HEADER_SIZE
  const plain = body - TAG_SIZE * Math.ceil(body / (segmentSize + TAG_SIZE))
  return plain >= 0 && sealedLength(plain, segmentSize) === sealedBytes ? plain : undefined
}

/** Offset of a segment's first ciphertext byte in the stored part. */
export const segmentOffset = (index: number, segmentSize = SEGMENT_SIZE): number =>
  HEADER_SIZE + index * (segmentSize + TAG_SIZE)

/** Plaintext bytes of segment `index` of a part of `plainBytes`. */
export const segmentLength = (index: number, plainBytes: number, segmentSize = SEGMENT_SIZE): number =>
  Math.min(segmentSize, plainBytes - index * segmentSize)

/**
 * Indices (half-open) of the segments that hold a plaintext range. The empty part has segment 0 for its range [0, 0);
 * any other empty range needs none. Throws RangeError when the range is not inside the part.
 */
export function segmentsOf(range: ByteRange, plainBytes: number, segmentSize = SEGMENT_SIZE): ByteRange {
  const { start, end } = range
  const inside =
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= plainBytes
  if (!inside) throw new RangeError(`[${start}, ${end}) is not a range of ${plainBytes} bytes`)
  if (plainBytes === 0) return { start: 0, end: 1 }
  const first = Math.floor(start / segmentSize)
  return { start: first, end: start === end ? first : Math.ceil(end / segmentSize) }
}

/** The stored bytes to read for a plaintext range: whole segments, tags included. */
export function sealedRange(range: ByteRange, plainBytes: number, segmentSize = SEGMENT_SIZE): ByteRange {
  const segments = segmentsOf(range, plainBytes, segmentSize)
  const start = segmentOffset(segments.start, segmentSize)
  if (segments.start === segments.end) return { start, end: start }
  return { start, end: Math.min(segmentOffset(segments.end, segmentSize), sealedLength(plainBytes, segmentSize)) }
}
