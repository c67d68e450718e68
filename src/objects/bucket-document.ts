import { CodedError } from '../base/errors.ts'
import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import { ObjectsError } from './errors.ts'
import { SPACE } from './keyspace.ts'

/**
 * What S3 calls the subresources of a bucket. The engine keeps each as JSON and knows nothing of what it says: the file
 * that owns a feature reads it. Numbers are stored: never reuse one.
 */
export const DOCUMENT = {
  policy: 1,
  acl: 2,
  ownershipControls: 3,
  publicAccessBlock: 4,
  cors: 5,
  tagging: 6,
  lifecycle: 7,
  website: 8,
  logging: 9,
  notification: 10,
  replication: 11,
  encryption: 12,
  objectLock: 13,
  requestPayment: 14,
  accelerate: 15,
  inventory: 16,
  analytics: 17,
  metrics: 18,
  intelligentTiering: 19,
  protection: 20,
} as const
export type DocumentKind = keyof typeof DOCUMENT

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export type BucketDocuments = Readonly<Partial<Record<DocumentKind, Json>>>

/** A row holds 64 KiB; a document of S3 may be longer (1,000 rules of a lifecycle). */
const PIECE_BYTES = 60_000
const MAX_PIECES = 20
const VERSION = 1
const HEADER_BYTES = 5
/** Of the UTF-8 of its JSON. */
const MAX_DOCUMENT_BYTES = PIECE_BYTES * MAX_PIECES - HEADER_BYTES

const KIND_AT = 16
const PIECE_AT = 17

const keyOf = (bucketId: string, kind: DocumentKind, piece: number): Buffer =>
  Buffer.concat([uuidToBytes(bucketId), Buffer.from([DOCUMENT[kind], piece])])

/** All pieces of all documents of a bucket lie together. */
export const documentsPrefix = (bucketId: string): Buffer => uuidToBytes(bucketId)
export const bucketOfDocumentRow = (key: Buffer): string => uuidFromBytes(key.subarray(0, KIND_AT))
export const kindOfDocumentRow = (key: Buffer): DocumentKind | undefined =>
  (Object.keys(DOCUMENT) as DocumentKind[]).find((kind) => DOCUMENT[kind] === key[KIND_AT])

/** `u8(1) ‖ u32(length) ‖ JSON`, cut into pieces, in place of those there are. Throws EntityTooLarge. */
export function documentWrites(bucketId: string, kind: DocumentKind, document: Json, piecesBefore: number): Write[] {
  const text = Buffer.from(JSON.stringify(document), 'utf8')
  if (text.length > MAX_DOCUMENT_BYTES) {
    throw new ObjectsError('EntityTooLarge', 'The configuration is larger than can be stored.')
  }
  const header = Buffer.alloc(HEADER_BYTES)
  header[0] = VERSION
  header.writeUInt32BE(text.length, 1)
  const whole = Buffer.concat([header, text])
  const pieces = Math.ceil(whole.length / PIECE_BYTES)
  const writes: Write[] = Array.from({ length: pieces }, (_, piece) => ({
    ...{ type: 'put', space: SPACE.document, key: keyOf(bucketId, kind, piece) },
    value: whole.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES),
  }))
  return [...writes, ...documentRemovals(bucketId, kind, pieces, piecesBefore)]
}

/** Removes the pieces from `from` on, up to the number there are. */
export function documentRemovals(bucketId: string, kind: DocumentKind, from: number, pieces: number): Write[] {
  const removals: Write[] = []
  for (let piece = from; piece < pieces; piece++) {
    removals.push({ type: 'delete', space: SPACE.document, key: keyOf(bucketId, kind, piece) })
  }
  return removals
}

/** The pieces of one document in their order. Throws MetadataCorrupt when one is missing or the version is not known. */
export function readDocument(pieces: readonly { readonly key: Buffer; readonly value: Buffer }[]): Json {
  const whole = Buffer.concat(pieces.map(({ value }) => value))
  const complete = pieces.every(({ key }, index) => key[PIECE_AT] === index)
  if (!complete || whole.length < HEADER_BYTES || whole[0] !== VERSION) throw unreadable()
  if (whole.readUInt32BE(1) !== whole.length - HEADER_BYTES) throw unreadable()
  try {
    return JSON.parse(whole.toString('utf8', HEADER_BYTES))
  } catch (cause) {
    throw unreadable(cause)
  }
}

export const unreadable = (cause?: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataCorrupt', 'a configuration of the bucket cannot be read: restore it from a backup', { cause })
