import type { BlobId } from '../storage/blob/blob-store.ts'
import type { Encryption } from './encrypting.ts'
import { type Sealing, sealingFrom, sealingMember } from './encrypting.ts'
import { firstSlots, type SlotTable, type StoredDek } from './key-slots.ts'
import { propertiesFrom, propertiesMembers, propertiesSection, type StoredProperties } from './object-properties.ts'
import { decode, encode, number, objectOf, optional, scalar, section, text } from './record-codec.ts'
import { encryptionOf, isFirst, slotsFrom, slotToJson } from './slot-records.ts'

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
  /** Undefined: it never had versions. */
  readonly versioning?: Versioning
}

export type Versioning = 'Enabled' | 'Suspended'

export interface ObjectRecord {
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Identity of this version's envelope: 16 bytes. */
  readonly blobId: Buffer
  readonly wrappedDek: StoredDek
  readonly sealing: Sealing
  /** One part in one blob, or the parts of an upload: rows under the upload id, which is `blobId`. */
  readonly data: { readonly blob: BlobId } | { readonly partCount: number }
  /** Under the bucket metadata key: what a listing shows of the content (Summary). */
  readonly summary: Buffer
  /** Under the DEK (SEV1 kind 1): headers, user metadata, checksums, parts. Large ones are blobs of their own. */
  readonly manifest: { readonly sealed: Buffer } | { readonly blob: BlobId }
  readonly properties: StoredProperties
}

/** Says that the key was deleted: a version without content. */
export interface DeleteMarker {
  readonly versionId: string
  readonly modifiedAtMs: number
  readonly deleteMarker: true
}

/** What lies in `version`. */
export type VersionRecord = ObjectRecord | DeleteMarker

export const isMarker = (record: VersionRecord): record is DeleteMarker => 'deleteMarker' in record

export interface UploadRecord {
  readonly createdAtMs: number
  /** '' when the client asked for none. */
  readonly checksumAlgorithm: string
  readonly checksumType: string
  readonly wrappedDek: StoredDek
  readonly sealing: Sealing
  /** Under the DEK: content headers and user metadata for the finished object. */
  readonly manifest: Buffer
  /** Of the finished object. */
  readonly properties: StoredProperties
  /** Who began it. Missing: somebody of the bucket's account. */
  readonly initiator?: Initiator | undefined
  /** Under the bucket metadata key: what the request that began it said, for conditions of policies. Missing: nobody noted it. */
  readonly said?: Buffer | 'nothing' | undefined
}

export interface Initiator {
  /** Canonical id. */
  readonly id: string
  readonly displayName: string
  readonly iamId: string
}

export interface PartRecord {
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly blob: BlobId
  readonly partSalt: Buffer
  /** Under the bucket metadata key: ETag and checksum of the part. */
  readonly summary: Buffer
  /** Was never a part of the upload that the object was made by. Earlier releases did not say so. */
  readonly appended?: true
}

/** What is to be removed, and how the remover finds it. */
export interface GarbageRecord {
  readonly blobs: readonly BlobId[]
  /** Readers of this envelope are waited for. */
  readonly blobId: string
  readonly upload?: DoomedParts
}

export interface DoomedParts {
  readonly uploadId: string
  /**
   * The object goes on, with these parts of the upload: first and last number of a run, then of the next one … Absent:
   * nothing of this id is needed any more.
   */
  readonly kept?: readonly number[]
  /** Parts that say that they were appended are the object's. Earlier releases wrote `kept` without it. */
  readonly butAppended?: true
}

export function encodeBucket(record: BucketRecord): Buffer {
  const { metadataKey, slots, slot, nextSlot, ...json } = record
  const table = isFirst(record) ? {} : { slots: slots.map(slotToJson), slot, nextSlot }
  const key = { keyVersion: metadataKey.keyVersion, ...slotMember('metadataKeySlot', metadataKey) }
  const wrapped = slots.flatMap((each) => (each.kind === 'bucket-key' ? [each.wrapped.ciphertext] : []))
  return encode({ ...json, ...key, ...table }, [metadataKey.ciphertext, ...wrapped])
}

const slotMember = (name: string, { slot }: StoredDek): Record<string, number> => (slot === 0 ? {} : { [name]: slot })

const dekMembers = (wrapped: StoredDek): Record<string, unknown> => ({
  k: wrapped.keyVersion,
  ...slotMember('ks', wrapped),
  ...(wrapped.context === undefined ? {} : { ec: wrapped.context }),
})

const dekFrom = (json: Record<string, unknown>, ciphertext: Buffer): StoredDek => ({
  ...{ ciphertext, keyVersion: text(json, 'k'), slot: optional(json, 'ks') },
  ...(json['ec'] === undefined ? {} : { context: text(json, 'ec') }),
})

export function decodeBucket(value: Buffer): BucketRecord {
  const { json, sections } = decode(value)
  const first = {
    rootKeyCrn: text(json, 'rootKeyCrn'),
    encryption: encryptionOf(json),
    createdAtMs: number(json, 'createdAtMs'),
  }
  const list = json['slots']
  const table = Array.isArray(list)
    ? { slots: slotsFrom(list, sections, first), slot: number(json, 'slot'), nextSlot: number(json, 'nextSlot') }
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
    ...versioningOf(json['versioning']),
    metadataKey: {
      ciphertext: Buffer.from(section(sections, 0)),
      keyVersion: text(json, 'keyVersion'),
      slot: optional(json, 'metadataKeySlot'),
    },
  }
}

const versioningOf = (value: unknown): Pick<BucketRecord, 'versioning'> =>
  value === 'Enabled' || value === 'Suspended' ? { versioning: value } : {}

export const encodeMarker = ({ versionId, modifiedAtMs }: DeleteMarker): Buffer =>
  encode({ v: versionId, m: modifiedAtMs, dm: true })

export function decodeVersion(value: Buffer): VersionRecord {
  const { json } = decode(value)
  if (json['dm'] !== true) return decodeObject(value)
  return markerFrom(json)
}

export function encodeObject(record: ObjectRecord): Buffer {
  const json = {
    v: record.versionId,
    s: record.sizeBytes,
    m: record.modifiedAtMs,
    ...dekMembers(record.wrappedDek),
    ...sealingMember(record.sealing),
    ...('blob' in record.data ? { b: record.data.blob } : { n: record.data.partCount }),
    ...('blob' in record.manifest ? { mb: record.manifest.blob } : {}),
    ...propertiesMembers(record.properties),
  }
  return encode(json, [
    record.blobId,
    record.wrappedDek.ciphertext,
    record.summary,
    'sealed' in record.manifest ? record.manifest.sealed : Buffer.alloc(0),
    ...propertiesSection(record.properties),
  ])
}

/** Of a row that is kept in memory, and is there for as long: decoding costs 6 us of CPU. */
const decodedObjects = new WeakMap<Buffer, ObjectRecord>()

/** As decodeObject, once for the same buffer, which nobody may change. */
export function knownObjectRecord(value: Buffer): ObjectRecord {
  const known = decodedObjects.get(value)
  if (known) return known
  const record = decodeObject(value)
  decodedObjects.set(value, record)
  return record
}

export function decodeObject(value: Buffer): ObjectRecord {
  const { json, sections } = decode(value)
  return {
    versionId: text(json, 'v'),
    sizeBytes: number(json, 's'),
    modifiedAtMs: number(json, 'm'),
    blobId: section(sections, 0),
    wrappedDek: dekFrom(json, section(sections, 1)),
    sealing: sealingFrom(json),
    data: typeof json['b'] === 'string' ? { blob: json['b'] } : { partCount: number(json, 'n') },
    summary: section(sections, 2),
    manifest: typeof json['mb'] === 'string' ? { blob: json['mb'] } : { sealed: section(sections, 3) },
    properties: propertiesFrom(json, sections, 4),
  }
}

/** What a listing tells of an object, and what opens its summary. */
export type ListedRecord = Pick<
  ObjectRecord,
  'versionId' | 'sizeBytes' | 'modifiedAtMs' | 'blobId' | 'summary' | 'properties'
>

/** As decodeObject, without what a page does not tell. */
export const decodeListed = (value: Buffer): ListedRecord => listedFrom(decode(value))

const listedFrom = ({ json, sections }: ReturnType<typeof decode>): ListedRecord => ({
  versionId: text(json, 'v'),
  sizeBytes: number(json, 's'),
  modifiedAtMs: number(json, 'm'),
  blobId: section(sections, 0),
  summary: section(sections, 2),
  properties: propertiesFrom(json, sections, 4),
})

/** As decodeListed, of a row of `version`. */
export function decodeListedVersion(value: Buffer): ListedRecord | DeleteMarker {
  const decoded = decode(value)
  return decoded.json['dm'] === true ? markerFrom(decoded.json) : listedFrom(decoded)
}

const markerFrom = (json: Record<string, unknown>): DeleteMarker => ({
  versionId: text(json, 'v'),
  modifiedAtMs: number(json, 'm'),
  deleteMarker: true,
})

export function encodeUpload(record: UploadRecord): Buffer {
  const { createdAtMs, checksumAlgorithm, checksumType, wrappedDek, sealing, manifest, properties, initiator } = record
  const { said } = record
  const key = { ...dekMembers(wrappedDek), ...sealingMember(sealing) }
  const json = {
    ...{ c: createdAtMs, a: checksumAlgorithm, t: checksumType, ...key, ...propertiesMembers(properties) },
    ...(initiator ? { i: initiator } : {}),
    ...(said ? { h: said !== 'nothing' } : {}),
  }
  const sealed = Buffer.isBuffer(said) ? [said] : []
  return encode(json, [wrappedDek.ciphertext, manifest, ...propertiesSection(properties), ...sealed])
}

const initiatorFrom = (json: Record<string, unknown>): Initiator => ({
  id: text(json, 'id'),
  displayName: text(json, 'displayName'),
  iamId: text(json, 'iamId'),
})

export function decodeUpload(value: Buffer): UploadRecord {
  const { json, sections } = decode(value)
  return {
    createdAtMs: number(json, 'c'),
    checksumAlgorithm: text(json, 'a'),
    checksumType: text(json, 't'),
    wrappedDek: dekFrom(json, section(sections, 0)),
    sealing: sealingFrom(json),
    manifest: section(sections, 1),
    properties: propertiesFrom(json, sections, 2),
    ...(json['i'] === undefined ? {} : { initiator: initiatorFrom(objectOf(json['i'])) }),
    ...(json['h'] === true ? { said: section(sections, json['xt'] === true ? 3 : 2) } : {}),
    ...(json['h'] === false ? { said: 'nothing' } : {}),
  }
}

export function encodePart(record: PartRecord): Buffer {
  const { sizeBytes: s, modifiedAtMs: m, blob: b, appended: a } = record
  return encode({ s, m, b, ...(a ? { a } : {}) }, [record.partSalt, record.summary])
}

export function decodePart(value: Buffer): PartRecord {
  const { json, sections } = decode(value)
  return {
    sizeBytes: number(json, 's'),
    modifiedAtMs: number(json, 'm'),
    blob: text(json, 'b'),
    partSalt: section(sections, 0),
    summary: section(sections, 1),
    ...(json['a'] === true ? { appended: true } : {}),
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
  const strings = (list: unknown): string[] => (Array.isArray(list) ? list.map((item) => String(scalar(item))) : [])
  const upload = json['upload']
  const base = { blobs: strings(json['blobs']), blobId: text(json, 'blobId') }
  if (typeof upload !== 'object' || upload === null || !('uploadId' in upload)) return base
  const uploadId = String(scalar(upload.uploadId))
  if (!('kept' in upload) || !Array.isArray(upload.kept)) return { ...base, upload: { uploadId } }
  const kept = upload.kept.map((part) => Number(scalar(part)))
  const butAppended = 'butAppended' in upload && upload.butAppended === true
  return { ...base, upload: { uploadId, kept, ...(butAppended ? { butAppended } : {}) } }
}
