import { CodedError } from '../base/errors.ts'
import type { BlobId } from '../storage/blob/blob-store.ts'
import { type Encryption, firstSlots, type KeySlot, type SlotTable, type StoredDek } from './key-slots.ts'

/**
 * Stored records: `u8 version ‖ u32 length ‖ JSON ‖ u32 length ‖ section …`. The JSON is what may be known without the
 * root key (a locked bucket still lists names, sizes and dates and lets objects be deleted); the sections are ciphertext.
 * The whole value is sealed again by the store. A version byte that is not known is refused, never guessed.
 */
const RECORD_VERSION = 1

export interface BucketRecord extends SlotTable {
  readonly id: string
  readonly name: string
  readonly createdAtMs: number
  /** CRN of the object storage instance that owns the bucket; its account is in there. */
  readonly serviceInstanceCrn: string
  readonly ownerId: string
  readonly ownerName: string
  /** As the client gave it; '' when none was given. */
  readonly locationConstraint: string
  /** Of the slot that wraps what is new. */
  readonly encryption: Encryption
  readonly rootKeyCrn: string
  /** Set while a DeleteBucket looks whether the bucket is empty: no write may commit meanwhile. */
  readonly deleting: boolean
  /** The bucket metadata key: opens ETags and checksums for listings. */
  readonly metadataKey: StoredDek
}

export interface ObjectRecord {
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Identity of this version's envelope: 16 bytes. */
  readonly blobId: Buffer
  readonly wrappedDek: StoredDek
  /** One part in one blob, or the parts of an upload: rows under the upload id, which is `blobId`. */
  readonly data: { readonly blob: BlobId } | { readonly partCount: number }
  /** Under the bucket metadata key: what a listing shows of the content (Summary). */
  readonly summary: Buffer
  /** Under the DEK (SEV1 kind 1): headers, user metadata, checksums, parts. Large ones are blobs of their own. */
  readonly manifest: { readonly sealed: Buffer } | { readonly blob: BlobId }
}

export interface UploadRecord {
  readonly createdAtMs: number
  /** '' when the client asked for none. */
  readonly checksumAlgorithm: string
  readonly checksumType: string
  readonly wrappedDek: StoredDek
  /** Under the DEK: content headers and user metadata for the finished object. */
  readonly manifest: Buffer
}

export interface PartRecord {
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly blob: BlobId
  readonly partSalt: Buffer
  /** Under the bucket metadata key: ETag and checksum of the part. */
  readonly summary: Buffer
}

/** What is to be removed, and how the remover finds it. */
export interface GarbageRecord {
  readonly blobs: readonly BlobId[]
  /** Readers of this envelope are waited for. */
  readonly blobId: string
  /** All parts under this upload id, but for those of `kept`: first and last number of a run, then of the next one … */
  readonly upload?: { readonly uploadId: string; readonly kept?: readonly number[] }
}

type Sections = readonly Buffer[]

function encode(json: unknown, sections: Sections = []): Buffer {
  const text = Buffer.from(JSON.stringify(json), 'utf8')
  const all = [text, ...sections]
  const out = Buffer.allocUnsafe(1 + all.reduce((sum, part) => sum + 4 + part.length, 0))
  out[0] = RECORD_VERSION
  let at = 1
  for (const part of all) {
    out.writeUInt32BE(part.length, at)
    part.copy(out, at + 4)
    at += 4 + part.length
  }
  return out
}

function decode(value: Buffer): { readonly json: Record<string, unknown>; readonly sections: Buffer[] } {
  if (value[0] !== RECORD_VERSION) throw corrupt(`record version ${value[0]} is not known`)
  const parts: Buffer[] = []
  let at = 1
  while (at < value.length) {
    if (at + 4 > value.length) throw corrupt('record ends inside a length')
    const length = value.readUInt32BE(at)
    if (at + 4 + length > value.length) throw corrupt('record ends inside a section')
    parts.push(value.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  const [text, ...sections] = parts
  if (!text) throw corrupt('record has no head')
  return { json: objectOf(JSON.parse(text.toString('utf8'))), sections }
}

function objectOf(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null) throw corrupt('record head is not an object')
  return json as Record<string, unknown>
}

const corrupt = (message: string): CodedError<'MetadataCorrupt'> => new CodedError('MetadataCorrupt', message)

// The store authenticates every value, so what decodes was written by the functions below: the readers only pick.
const text = (json: Record<string, unknown>, name: string): string => String(json[name])
const number = (json: Record<string, unknown>, name: string): number => Number(json[name])
/** Absent: 0. */
const optional = (json: Record<string, unknown>, name: string): number => Number(json[name] ?? 0)
const encryptionOf = (json: Record<string, unknown>): Encryption =>
  json['encryption'] === 'customer-managed' ? 'customer-managed' : 'provider-managed'
const section = (sections: Sections, index: number): Buffer => {
  const found = sections[index]
  if (!found) throw corrupt('record lacks a section')
  return found
}

export function encodeBucket(record: BucketRecord): Buffer {
  const { metadataKey, slots, slot, nextSlot, ...json } = record
  const table = isFirst(record) ? {} : { slots: slots.map(slotToJson), slot, nextSlot }
  const key = { keyVersion: metadataKey.keyVersion, ...slotMember('metadataKeySlot', metadataKey) }
  const wrapped = slots.flatMap((each) => (each.kind === 'bucket-key' ? [each.wrapped.ciphertext] : []))
  return encode({ ...json, ...key, ...table }, [metadataKey.ciphertext, ...wrapped])
}

/** A bucket that never had another key than its first root key says nothing of slots. */
function isFirst({ slots, slot, nextSlot, rootKeyCrn, encryption }: BucketRecord): boolean {
  const [only, ...more] = slots
  return (
    only?.id === 0 &&
    only.kind === 'root' &&
    only.rootKeyCrn === rootKeyCrn &&
    only.encryption === encryption &&
    !(only.successor !== undefined || more.length > 0 || slot !== 0 || nextSlot !== 1)
  )
}

function slotToJson(slot: KeySlot): unknown {
  const { id, kind, rootKeyCrn, encryption, createdAtMs, successor } = slot
  return {
    ...{ id, kind, rootKeyCrn, encryption, createdAtMs },
    ...(successor === undefined ? {} : { successor }),
    ...(slot.kind === 'bucket-key' ? { keyId: slot.keyId, keyVersion: slot.wrapped.keyVersion } : {}),
  }
}

/** The wrapped bucket keys are the sections behind the first one, in the order of their slots. */
function slotsFrom(list: readonly unknown[], sections: Sections): KeySlot[] {
  let next = 1
  return list.map((item): KeySlot => {
    const json = objectOf(item)
    const base = {
      id: number(json, 'id'),
      rootKeyCrn: text(json, 'rootKeyCrn'),
      encryption: encryptionOf(json),
      createdAtMs: number(json, 'createdAtMs'),
      ...(json['successor'] === undefined ? {} : { successor: number(json, 'successor') }),
    }
    if (json['kind'] === 'root') return { ...base, kind: 'root' }
    if (json['kind'] !== 'bucket-key') throw corrupt(`a key slot of kind ${String(json['kind'])} is not known`)
    const wrapped = { ciphertext: Buffer.from(section(sections, next++)), keyVersion: text(json, 'keyVersion') }
    return { ...base, kind: 'bucket-key', keyId: text(json, 'keyId'), wrapped }
  })
}

const slotMember = (name: string, { slot }: StoredDek): Record<string, number> => (slot === 0 ? {} : { [name]: slot })

export function decodeBucket(value: Buffer): BucketRecord {
  const { json, sections } = decode(value)
  const first = {
    rootKeyCrn: text(json, 'rootKeyCrn'),
    encryption: encryptionOf(json),
    createdAtMs: number(json, 'createdAtMs'),
  }
  const list = json['slots']
  const table = Array.isArray(list)
    ? { slots: slotsFrom(list, sections), slot: number(json, 'slot'), nextSlot: number(json, 'nextSlot') }
    : firstSlots(first)
  return {
    ...first,
    ...table,
    id: text(json, 'id'),
    name: text(json, 'name'),
    serviceInstanceCrn: text(json, 'serviceInstanceCrn'),
    ownerId: text(json, 'ownerId'),
    ownerName: text(json, 'ownerName'),
    locationConstraint: text(json, 'locationConstraint'),
    deleting: json['deleting'] === true,
    metadataKey: {
      ciphertext: Buffer.from(section(sections, 0)),
      keyVersion: text(json, 'keyVersion'),
      slot: optional(json, 'metadataKeySlot'),
    },
  }
}

export function encodeObject(record: ObjectRecord): Buffer {
  const json = {
    v: record.versionId,
    s: record.sizeBytes,
    m: record.modifiedAtMs,
    k: record.wrappedDek.keyVersion,
    ...slotMember('ks', record.wrappedDek),
    ...('blob' in record.data ? { b: record.data.blob } : { n: record.data.partCount }),
    ...('blob' in record.manifest ? { mb: record.manifest.blob } : {}),
  }
  return encode(json, [
    record.blobId,
    record.wrappedDek.ciphertext,
    record.summary,
    'sealed' in record.manifest ? record.manifest.sealed : Buffer.alloc(0),
  ])
}

export function decodeObject(value: Buffer): ObjectRecord {
  const { json, sections } = decode(value)
  return {
    versionId: text(json, 'v'),
    sizeBytes: number(json, 's'),
    modifiedAtMs: number(json, 'm'),
    blobId: section(sections, 0),
    wrappedDek: { ciphertext: section(sections, 1), keyVersion: text(json, 'k'), slot: optional(json, 'ks') },
    data: typeof json['b'] === 'string' ? { blob: json['b'] } : { partCount: number(json, 'n') },
    summary: section(sections, 2),
    manifest: typeof json['mb'] === 'string' ? { blob: json['mb'] } : { sealed: section(sections, 3) },
  }
}

export function encodeUpload(record: UploadRecord): Buffer {
  const { createdAtMs, checksumAlgorithm, checksumType, wrappedDek, manifest } = record
  const key = { k: wrappedDek.keyVersion, ...slotMember('ks', wrappedDek) }
  const json = { c: createdAtMs, a: checksumAlgorithm, t: checksumType, ...key }
  return encode(json, [wrappedDek.ciphertext, manifest])
}

export function decodeUpload(value: Buffer): UploadRecord {
  const { json, sections } = decode(value)
  return {
    createdAtMs: number(json, 'c'),
    checksumAlgorithm: text(json, 'a'),
    checksumType: text(json, 't'),
    wrappedDek: { ciphertext: section(sections, 0), keyVersion: text(json, 'k'), slot: optional(json, 'ks') },
    manifest: section(sections, 1),
  }
}

export function encodePart(record: PartRecord): Buffer {
  return encode({ s: record.sizeBytes, m: record.modifiedAtMs, b: record.blob }, [record.partSalt, record.summary])
}

export function decodePart(value: Buffer): PartRecord {
  const { json, sections } = decode(value)
  return {
    sizeBytes: number(json, 's'),
    modifiedAtMs: number(json, 'm'),
    blob: text(json, 'b'),
    partSalt: section(sections, 0),
    summary: section(sections, 1),
  }
}

/** What a registration at a root key is of, when there is no bucket (any more, or yet). */
export type DeregistrationRecord = Pick<BucketRecord, 'name' | 'serviceInstanceCrn' | 'rootKeyCrn'>

export const encodeDeregistration = ({ name, serviceInstanceCrn, rootKeyCrn }: DeregistrationRecord): Buffer =>
  encode({ name, serviceInstanceCrn, rootKeyCrn })

export function decodeDeregistration(value: Buffer): DeregistrationRecord {
  const { json } = decode(value)
  return {
    name: text(json, 'name'),
    serviceInstanceCrn: text(json, 'serviceInstanceCrn'),
    rootKeyCrn: text(json, 'rootKeyCrn'),
  }
}

export const encodeGarbage = (record: GarbageRecord): Buffer => encode(record)

export function decodeGarbage(value: Buffer): GarbageRecord {
  const { json } = decode(value)
  const strings = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : [])
  const upload = json['upload']
  const base = { blobs: strings(json['blobs']), blobId: text(json, 'blobId') }
  if (typeof upload !== 'object' || upload === null || !('uploadId' in upload)) return base
  const uploadId = String(upload.uploadId)
  return 'kept' in upload && Array.isArray(upload.kept)
    ? { ...base, upload: { uploadId, kept: upload.kept.map(Number) } }
    : { ...base, upload: { uploadId } }
}
