import { hasCode } from '../../base/errors.ts'
import type { Dek } from '../../envelope/dek.ts'
import type { EnvelopeErrorCode } from '../../envelope/errors.ts'
import { decodeHeader, type PartHeader } from '../../envelope/header.ts'
import { openPart, type PartIdentity } from '../../envelope/seal.ts'
import { HEADER_SIZE, SEGMENT_SIZE, sealedLength, TAG_SIZE } from '../../envelope/segment.ts'
import type { PartOpener } from '../../envelope/unseal.ts'
import type { BlobId, BlobStoreErrorCode } from '../../storage/blob/blob-store.ts'
import type { ReadableBlobs } from '../outer-layer.ts'

/** What is wrong with the stored bytes of a part. */
export interface ContentFault {
  readonly kind: `content-${'missing' | 'cut' | 'damaged' | 'exchanged' | 'unreadable'}`
  readonly damage: string
}

/** A part as the records describe it; what is not known is not looked at. */
export interface SealedPartDescription {
  readonly identity: PartIdentity
  readonly salt?: Buffer
  readonly storedBytes?: number
}

export interface PartDescription extends SealedPartDescription {
  readonly salt: Buffer
  readonly sizeBytes: number
  readonly dek: Dek
}

export interface PartReader {
  readonly blobs: ReadableBlobs
  /** Before so many bytes are read. */
  readonly pace: (bytes: number) => Promise<void>
}

const SEGMENTS_PER_READ = 4
/** Damaged segments that are named one by one. */
const MAX_NAMED = 8

/** What can be told of a stored part without its key: that it is there, of this length, and says that it is this one. */
export async function checkSealedPart(
  reader: PartReader,
  blob: BlobId,
  part: SealedPartDescription,
): Promise<ContentFault | undefined> {
  try {
    const found = await readHeader(reader, blob, part)
    return 'kind' in found ? found : undefined
  } catch (error) {
    return faultOf(error)
  }
}

/** All that it can be wrong with, to the last tag. `onPlaintext` gets the content piece by piece, until a fault. */
export async function checkPart(
  reader: PartReader,
  blob: BlobId,
  part: PartDescription,
  onPlaintext: (plaintext: Buffer) => void = () => {},
): Promise<ContentFault | undefined> {
  try {
    const storedBytes = sealedLength(part.sizeBytes)
    const found = await readHeader(reader, blob, { ...part, storedBytes })
    if ('kind' in found) return found
    using opener = openedPart(part, found.bytes, sealedLength(part.sizeBytes, found.header.segmentSize))
    if (!opener) return { kind: 'content-damaged', damage: 'its header is committed to another key or place' }
    return await checkSegments(reader, blob, part, opener, onPlaintext)
  } catch (error) {
    return faultOf(error)
  }
}

function openedPart(part: PartDescription, header: Buffer, storedBytes: number): PartOpener | undefined {
  try {
    return openPart(part.dek, part.identity, part.salt, part.sizeBytes, header, storedBytes)
  } catch (error) {
    if (hasCode<EnvelopeErrorCode>(error, 'EnvelopeForged')) return undefined
    throw error
  }
}

async function readHeader(
  { blobs, pace }: PartReader,
  blob: BlobId,
  { identity, salt, storedBytes }: SealedPartDescription,
): Promise<{ readonly bytes: Buffer; readonly header: PartHeader } | ContentFault> {
  await pace(HEADER_SIZE)
  const bytes = await joined(blobs.get(blob, { start: 0, end: HEADER_SIZE }))
  const header = headerIn(bytes)
  if (!header) return { kind: 'content-damaged', damage: 'it does not begin with the header of a part' }
  if (!isOf(header, identity, salt)) {
    const is = `part ${header.partNumber} of the envelope ${header.blobId.toString('hex')}`
    return { kind: 'content-exchanged', damage: `what lies there is ${is}, or its header is damaged` }
  }
  const info = await blobs.stat(blob)
  if (!info) return { kind: 'content-cut', damage: 'its end is missing' }
  // A part of another segment size is of the length that its own header makes it.
  if (storedBytes !== undefined && header.segmentSize === SEGMENT_SIZE && info.lengthBytes !== storedBytes) {
    const lengths = `it has ${info.lengthBytes} bytes where ${storedBytes} were stored`
    return { kind: info.lengthBytes < storedBytes ? 'content-cut' : 'content-damaged', damage: lengths }
  }
  return { bytes, header }
}

function headerIn(bytes: Buffer): PartHeader | undefined {
  try {
    return decodeHeader(bytes)
  } catch {
    return undefined
  }
}

const isOf = (header: PartHeader, { blobId, partNumber }: PartIdentity, salt: Buffer | undefined): boolean =>
  header.blobId.equals(blobId) && header.partNumber === partNumber && (!salt || header.partSalt.equals(salt))

async function checkSegments(
  { blobs, pace }: PartReader,
  blob: BlobId,
  { sizeBytes }: PartDescription,
  opener: PartOpener,
  onPlaintext: (plaintext: Buffer) => void,
): Promise<ContentFault | undefined> {
  const segmentBytes = opener.sealedSegmentBytes - TAG_SIZE
  const stepBytes = SEGMENTS_PER_READ * segmentBytes
  const damaged: number[] = []
  const open = (start: number, end: number, sealed: Buffer): boolean => {
    try {
      for (const plaintext of opener.bytes({ start, end }, sealed)) if (damaged.length === 0) onPlaintext(plaintext)
      return true
    } catch (error) {
      if (hasCode<EnvelopeErrorCode>(error, 'EnvelopeForged')) return false
      throw error
    }
  }
  const all = opener.ciphertextRange({ start: 0, end: sizeBytes })
  const chunkBytes = SEGMENTS_PER_READ * opener.sealedSegmentBytes
  let start = 0
  await pace(Math.min(chunkBytes, all.end - all.start))
  for await (const sealed of inChunks(blobs.get(blob, { ...all, chunkBytes, reuse: true }), chunkBytes)) {
    const end = Math.min(start + stepBytes, sizeBytes)
    if (!open(start, end, sealed)) {
      for (let at = 0, from = start; at < sealed.length; at += opener.sealedSegmentBytes, from += segmentBytes) {
        const to = Math.min(from + segmentBytes, sizeBytes)
        const one = sealed.subarray(at, at + opener.sealedSegmentBytes)
        if (!open(from, to, one)) damaged.push(from / segmentBytes)
      }
    }
    start = end
    if (start < sizeBytes) await pace(Math.min(chunkBytes, sealedLength(sizeBytes - start) - HEADER_SIZE))
  }
  if (damaged.length === 0) return undefined
  const segments = Math.max(1, Math.ceil(sizeBytes / segmentBytes))
  const more = damaged.length > MAX_NAMED ? ` and ${damaged.length - MAX_NAMED} more` : ''
  const [first = 0] = damaged
  const at = `the first from byte ${first * segmentBytes} of the part on`
  return {
    kind: 'content-damaged',
    damage: `segments ${damaged.slice(0, MAX_NAMED).join(', ')}${more} of ${segments} do not authenticate, ${at}`,
  }
}

/** Of a read that failed. Throws what is no fault of the bytes. */
export function faultOf(error: unknown): ContentFault {
  if (hasCode<BlobStoreErrorCode>(error, 'BlobMissing')) return { kind: 'content-missing', damage: 'it is not there' }
  if (hasCode<BlobStoreErrorCode>(error, 'BlobTorn')) {
    const got = Number(error.details['got'])
    return got > 0
      ? { kind: 'content-cut', damage: `it ends at byte ${got}` }
      : { kind: 'content-damaged', damage: 'the header of its record, or all of it, is damaged' }
  }
  if (hasCode<BlobStoreErrorCode>(error, 'BlobStoreFailed') && isDiskFault(error.cause)) {
    return { kind: 'content-unreadable', damage: 'the disk cannot read it' }
  }
  throw error
}

const DISK_FAULTS: readonly unknown[] = ['EIO', 'EUCLEAN', 'EBADMSG', 'EISDIR', 'ENOTDIR', 'ELOOP']

const isDiskFault = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && DISK_FAULTS.includes(cause.code)

/** An outer layer gives chunks of segments of its own. */
async function* inChunks(stream: AsyncIterable<Buffer>, chunkBytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    if (rest.length === 0 && chunk.length === chunkBytes) {
      yield chunk
      continue
    }
    const bytes = Buffer.concat([rest, chunk])
    let at = 0
    for (; bytes.length - at >= chunkBytes; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
    rest = bytes.subarray(at)
  }
  if (rest.length > 0) yield rest
}

async function joined(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
