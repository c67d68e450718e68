import { successor } from '../base/bytes.ts'
import { uuidToBytes } from '../base/ids.ts'
import { UPLOAD_ID_BYTES } from './upload-id.ts'

/** Key spaces of the object engine. Numbers are stored: never reuse one. */
export const SPACE = {
  /** bucket name → BucketRecord */
  bucket: 1,
  /** bucket id ‖ key → ObjectRecord of the current version, never a delete marker. What ListObjects reads. */
  head: 2,
  /** bucket id ‖ key ‖ 00 ‖ ~sequence → ObjectRecord of every other version. Empty until versioning is enabled. */
  version: 3,
  /** bucket id ‖ key ‖ 00 ‖ upload id (upload-id.ts) → UploadRecord */
  upload: 4,
  /** envelope id of the upload ‖ u32 part number → PartRecord; stays after completion, as long as the object version lives */
  part: 5,
  /** blob id → address of the row that owns it; exists as long as the blob is needed or waits to be removed */
  blob: 6,
  /** u64 time ‖ random → GarbageRecord: what is to be removed */
  garbage: 7,
  /** lease → open | sealed */
  lease: 8,
  /** root key CRN ‖ 0a ‖ bucket CRN → DeregistrationRecord: a registration at a root key that has no bucket */
  deregistration: 9,
  /** `state` → how far records were counted at the first start. Counters of the same number count what keys are used for (usage.ts) */
  usage: 10,
  /** bucket id → RewrapRecord: the latest rewrapping of the bucket */
  rewrap: 11,
  /** bucket id ‖ u8 part → part of the bucket's configuration (bucket-configuration.ts) */
  configuration: 16,
  /** bucket id ‖ u8 kind ‖ u8 piece → piece of a bucket document (bucket-documents.ts) */
  document: 17,
} as const

const ZERO = Buffer.from([0])

export const bucketKey = (name: string): Buffer => Buffer.from(name, 'utf8')

/** UTF-8 bytes, because S3 lists in UTF-8 byte order and JavaScript strings sort in UTF-16 order. */
export function headKey(bucketId: string, key: string): Buffer {
  return Buffer.concat([uuidToBytes(bucketId), Buffer.from(key, 'utf8')])
}

export const keyOfHead = (row: Buffer): string => row.toString('utf8', 16)

/** A key holds no NUL (refused at the edge), so uploads of `a` sort before those of `a!`. */
export function uploadKey(bucketId: string, key: string, uploadId: Buffer): Buffer {
  return Buffer.concat([headKey(bucketId, key), ZERO, uploadId])
}

export function splitUploadKey(row: Buffer): { readonly key: string; readonly uploadId: Buffer } {
  const at = row.length - UPLOAD_ID_BYTES
  return { key: row.toString('utf8', 16, at - ZERO.length), uploadId: row.subarray(at) }
}

export function partKey(uploadId: Buffer, partNumber: number): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(partNumber)
  return Buffer.concat([uploadId, number])
}

export const partNumberOf = (row: Buffer): number => row.readUInt32BE(16)

export function garbageKey(timeMs: number, random: Buffer): Buffer {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(timeMs))
  return Buffer.concat([time, random])
}

/** The rows of one root key lie together. */
export const deregistrationKey = (rootKeyCrn: string, bucketCrn = ''): Buffer =>
  Buffer.from(`${rootKeyCrn}\n${bucketCrn}`, 'utf8')

export const blobKey = (blobId: string): Buffer => Buffer.from(blobId, 'latin1')

/** The rows of `prefix`, as half-open bounds. */
export function rowsUnder(prefix: Buffer): { readonly gte: Buffer; readonly lt: Buffer } {
  const lt = successor(prefix)
  return { gte: prefix, lt: lt ?? Buffer.alloc(2048, 0xff) }
}
