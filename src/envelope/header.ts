import { forged } from './errors.ts'

/** What the first 48 bytes of a stored part say. The commitment follows them. */
export interface PartHeader {
  readonly blobId: Buffer
  readonly partNumber: number
  readonly partSalt: Buffer
  readonly segmentSize: number
}

/** Bytes of the header that the keys are derived from; 32 bytes of commitment come after. */
export const PREFIX_BYTES = 48
const MAGIC = Buffer.from('OEF1', 'latin1')
const VERSION = 1
const SUITE_AES_256_GCM_HKDF_SHA_256 = 1
const MIN_SEGMENT_LOG2 = 14
const MAX_SEGMENT_LOG2 = 20
/** S3: part numbers are 1 … 10000; 0 is an object that was not uploaded in parts. */
const MAX_PART_NUMBER = 10_000

export function encodeHeader(header: PartHeader): Buffer {
  const { blobId, partNumber, partSalt, segmentSize } = header
  if (blobId.length !== 16 || partSalt.length !== 16) throw new RangeError('blob id and part salt are 16 bytes each')
  if (!isPartNumber(partNumber)) throw new RangeError(`${partNumber} is not a part number`)
  if (!isSegmentSize(segmentSize)) throw new RangeError(`${segmentSize} is not a segment size`)
  const out = Buffer.alloc(PREFIX_BYTES)
  out.set(MAGIC, 0)
  out[4] = VERSION
  out[5] = SUITE_AES_256_GCM_HKDF_SHA_256
  out[6] = Math.log2(segmentSize)
  out.set(blobId, 8)
  out.writeUInt32BE(partNumber, 24)
  out.set(partSalt, 32)
  return out
}

/** Throws EnvelopeForged for anything that encodeHeader does not write (other segment sizes of the format are read). */
export function decodeHeader(bytes: Buffer): PartHeader {
  if (bytes.length < PREFIX_BYTES) throw forged('a part header is cut short')
  const segmentLog2 = bytes.readUInt8(6)
  const partNumber = bytes.readUInt32BE(24)
  const wellFormed =
    bytes.subarray(0, 4).equals(MAGIC) &&
    bytes[4] === VERSION &&
    bytes[5] === SUITE_AES_256_GCM_HKDF_SHA_256 &&
    segmentLog2 >= MIN_SEGMENT_LOG2 &&
    segmentLog2 <= MAX_SEGMENT_LOG2 &&
    bytes[7] === 0 &&
    bytes.readUInt32BE(28) === 0 &&
    isPartNumber(partNumber)
  if (!wellFormed) throw forged('not a part header of this format')
  return {
    blobId: bytes.subarray(8, 24),
    partNumber,
    partSalt: bytes.subarray(32, 48),
    segmentSize: 2 ** segmentLog2,
  }
}

const isPartNumber = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MAX_PART_NUMBER

function isSegmentSize(value: number): boolean {
  const log2 = Math.log2(value)
  return Number.isInteger(log2) && log2 >= MIN_SEGMENT_LOG2 && log2 <= MAX_SEGMENT_LOG2
}
