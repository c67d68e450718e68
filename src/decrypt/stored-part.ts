import { type ByteSource, lengthPrefixed, u32 } from './bytes.ts'
import { gcmOpen, hkdf, sameBytes, sha256, TAG_BYTES } from './ciphers.ts'
import { damaged, forged } from './errors.ts'

// docs/envelope-format.md, section 3.

export const PART_HEADER_BYTES = 80
const COMMITTED_BYTES = 48
const MAX_PART_NUMBER = 10_000

export interface PartIdentity {
  readonly bucketId: string
  readonly key: string
  readonly blobId: Uint8Array
  readonly partNumber: number
}

/** Without keys: what is wrong with the header, in words; undefined when nothing is. */
export function partHeaderProblem(header: Buffer): string | undefined {
  if (header.length < PART_HEADER_BYTES) return 'is too short for a header'
  if (header.toString('latin1', 0, 4) !== 'OEF1') return 'has not the magic of a stored part'
  if (header[4] !== 1 || header[5] !== 1) return 'has another version or suite'
  const log2 = header[6] ?? 0
  if (log2 < 14 || log2 > 20) return 'has a segment size out of bounds'
  if (header[7] !== 0 || header.readUInt32BE(28) !== 0) return 'has flags or reserved bytes that are not zero'
  return header.readUInt32BE(24) > MAX_PART_NUMBER ? 'has a part number out of bounds' : undefined
}

export const segmentBytesOf = (header: Buffer): number => 2 ** (header[6] ?? 0)

export const storedLength = (plaintextLength: number, segmentBytes: number): number =>
  PART_HEADER_BYTES + plaintextLength + TAG_BYTES * Math.max(1, Math.ceil(plaintextLength / segmentBytes))

/** `DEK` and `OEF1/seg\0` or `OEF1/cmt\0` of a part whose first 48 bytes are `committed`. */
const derive = (dek: Uint8Array, salt: Uint8Array, label: string, committed: Buffer, context: Buffer): Buffer =>
  hkdf(dek, salt, Buffer.concat([Buffer.from(label), committed, context]))

export const partContext = (bucketId: string, key: string): Buffer =>
  sha256(Buffer.concat([Buffer.from('OEF1/ctx\0'), lengthPrefixed(bucketId), lengthPrefixed(key)]))

/**
 * The plaintext of a stored part, of `length` bytes. Header, length and commitment are verified here, each segment before a
 * byte of it is given out. Throws Forged.
 */
export function openPart(
  dek: Uint8Array,
  identity: PartIdentity,
  salt: Uint8Array,
  length: number,
  stored: ByteSource,
): ByteSource {
  const what = `part ${identity.partNumber}`
  const header = stored.read(0, Math.min(PART_HEADER_BYTES, stored.length))
  const problem = partHeaderProblem(header)
  if (problem !== undefined) throw forged(`${what} ${problem}`)
  const isItsOwn =
    sameBytes(header.subarray(8, 24), identity.blobId) &&
    header.readUInt32BE(24) === identity.partNumber &&
    sameBytes(header.subarray(32, 48), salt)
  if (!isItsOwn) throw forged(`${what} has the header of another part`)
  const segmentBytes = segmentBytesOf(header)
  const expected = storedLength(length, segmentBytes)
  if (stored.length !== expected) throw forged(`${what} has ${stored.length} stored bytes instead of ${expected}`)
  const committed = header.subarray(0, COMMITTED_BYTES)
  const context = partContext(identity.bucketId, identity.key)
  if (!sameBytes(header.subarray(COMMITTED_BYTES), derive(dek, salt, 'OEF1/cmt\0', committed, context)))
    throw forged(`the commitment of ${what} is of another key or place`)
  const key = derive(dek, salt, 'OEF1/seg\0', committed, context)
  const last = Math.max(1, Math.ceil(length / segmentBytes)) - 1

  const openSegment = (index: number): Buffer => {
    const isLast = index === last
    const plain = isLast ? length - last * segmentBytes : segmentBytes
    const place = Buffer.concat([u32(index), Buffer.of(isLast ? 1 : 0)])
    const sealed = stored.read(PART_HEADER_BYTES + index * (segmentBytes + TAG_BYTES), plain + TAG_BYTES)
    const aad = Buffer.concat([committed, context, place, u32(plain)])
    return gcmOpen(key, Buffer.concat([Buffer.alloc(7), place]), aad, sealed, `segment ${index} of ${what}`)
  }
  // Of a part without plaintext, too, the tag is to verify.
  if (length === 0) openSegment(0)
  let held: { readonly index: number; readonly plaintext: Buffer } = { index: -1, plaintext: Buffer.alloc(0) }
  const segment = (index: number): Buffer => {
    if (held.index !== index) held = { index, plaintext: openSegment(index) }
    return held.plaintext
  }
  return {
    length,
    read: (at, count) => {
      if (at < 0 || count < 0 || at + count > length) throw damaged(`${what} has no bytes ${at} to ${at + count}`)
      const pieces: Buffer[] = []
      for (let from = at; from < at + count; ) {
        const index = Math.floor(from / segmentBytes)
        const start = from - index * segmentBytes
        const piece = segment(index).subarray(start, start + at + count - from)
        pieces.push(piece)
        from += piece.length
      }
      return Buffer.concat(pieces)
    },
  }
}
