import { successor } from '../base/bytes.ts'
import { uuidToBytes } from '../base/ids.ts'
import { UPLOAD_ID_BYTES } from './upload-id.ts'

/** Key spaces of the object engine. Numbers are stored: never reuse one. */
export const SPACE = {
  /** bucket name → BucketRecord */
  bucket: 1,
  /** bucket id ‖ key → ObjectRecord of the current version, never a delete marker. What ListObjects reads. */
  head: 2,
  /** bucket id ‖ key ‖ 00 ‖ ~order → VersionRecord of every version but the head, and of every delete marker: newest first */
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
  /** bucket id ‖ key → History (key-versions.ts): what lies in `version` of the key. Exists exactly while something does */
  history: 12,
  /** bucket id ‖ u8 part → part of the bucket's configuration (bucket-configuration.ts) */
  configuration: 16,
  /** bucket id ‖ u8 kind ‖ u8 piece → piece of a bucket document (bucket-documents.ts) */
  document: 17,
  /** target ‖ 00 ‖ … → event that the target is to be told (outbox/rows.ts, notifications/notifications.ts) */
  notification: 18,
  /** bucket id → how far the latest look of its lifecycle rules got (lifecycle/state.ts) */
  lifecycle: 19,
  /** u64 time of the first line ‖ random → bucket id ‖ lines of its access log that were not delivered before a stop (access-logs.ts) */
  accessLog: 20,
  /** bucket id ‖ id of an inventory → when its latest report was begun (inventory/inventories.ts) */
  inventory: 21,
  /** target ‖ 00 ‖ … → version that is to be replicated there (outbox/rows.ts, replication/replications.ts) */
  replication: 22,
  /** `state`, or `finding` ‖ 00 ‖ hash → how far the latest look of the scrub got, and what it found (verify/scrub-state.ts) */
  scrub: 23,
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

const ORDER_BYTES = 8
const MAX_ORDER = 2n ** 64n - 1n

/** Complemented, so that the newest comes first. */
export function versionKey(bucketId: string, key: string, order: bigint): Buffer {
  const complement = Buffer.alloc(ORDER_BYTES)
  complement.writeBigUInt64BE(MAX_ORDER - order)
  return Buffer.concat([headKey(bucketId, key), ZERO, complement])
}

export function splitVersionKey(row: Buffer): { readonly key: string; readonly order: bigint } {
  const at = row.length - ORDER_BYTES
  return { key: row.toString('utf8', 16, at - ZERO.length), order: MAX_ORDER - row.readBigUInt64BE(at) }
}

/** The key of a row of `version` or of `head`. */
export const keyOfVersion = (space: number, row: Buffer): string =>
  space === SPACE.version ? row.toString('utf8', 16, row.length - ORDER_BYTES - ZERO.length) : keyOfHead(row)

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

export const timeOfGarbage = (row: Buffer): number => Number(row.readBigUInt64BE())

/** The rows of one root key lie together. */
export const deregistrationKey = (rootKeyCrn: string, bucketCrn = ''): Buffer =>
  Buffer.from(`${rootKeyCrn}\n${bucketCrn}`, 'utf8')

export const blobKey = (blobId: string): Buffer => Buffer.from(blobId, 'latin1')

/** The rows of `prefix`, as half-open bounds. */
export function rowsUnder(prefix: Buffer): { readonly gte: Buffer; readonly lt: Buffer } {
  const lt = successor(prefix)
  return { gte: prefix, lt: lt ?? Buffer.alloc(2048, 0xff) }
}
