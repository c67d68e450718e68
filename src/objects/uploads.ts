import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../base/checksums.ts'
import { random16 } from '../base/ids.ts'
import { openManifest, sealManifest } from '../envelope/manifest.ts'
import { type DamagedRow, damagedRow } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Write } from '../storage/metadata/metadata-store.ts'
import { type BodyInput, permittedBody, writeBody } from './body-writer.ts'
import type { BucketKeys } from './bucket-keys.ts'
import { type Bucket, currentOf } from './buckets.ts'
import { commitOrLeave, currentBucket } from './commit-version.ts'
import {
  type Attributes,
  type ChecksumType,
  type Manifest,
  manifestFromJson,
  manifestToJson,
  openSummary,
  type Summary,
  sealSummary,
} from './content.ts'
import { type ContentKeys, newContentKeys, openContentKeys, uploadKeyError } from './content-keys.ts'
import type { Draft } from './drafts.ts'
import type { Encrypting } from './encrypting.ts'
import { type Engine, encodeOwner } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { type Protection, protectionOf } from './key-slots.ts'
import { blobKey, partKey, partNumberOf, rowsUnder, SPACE, splitUploadKey, uploadKey } from './keyspace.ts'
import { checkNewLock } from './object-lock.ts'
import type { ObjectProperties, PlainProperties } from './object-properties.ts'
import { etagOf } from './put-object.ts'
import {
  decodePart,
  decodeUpload,
  encodePart,
  encodeUpload,
  type Initiator,
  type PartRecord,
  type UploadRecord,
} from './records.ts'
import { sealedProperties } from './seal-properties.ts'
import { slotForWrite } from './slot-choice.ts'
import { envelopeIdOf, newUploadId, parseUploadId, startOf } from './upload-id.ts'
import { sealSaid } from './upload-said.ts'
import { usageWrites } from './usage.ts'

export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
}

/** An upload in progress, found by its upload id. */
export interface Upload {
  /** Identity of the envelope of all its parts, and of the object that they become. */
  readonly id: Buffer
  readonly uploadId: string
  readonly bucket: Bucket
  readonly key: string
  readonly record: UploadRecord
  readonly row: Entry
  readonly checksum: UploadChecksum | undefined
  readonly protection: Protection
}

export interface UploadedPart extends Summary {
  readonly number: number
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly record: PartRecord
}

/** The bucket's row changes seldom, and each change means that something else went on. */
const MAX_ATTEMPTS = 20

export const uploadVersion = (id: Buffer): string => `upload:${id.toString('hex')}`

export interface CreatedUpload {
  readonly uploadId: string
  readonly createdAtMs: number
  readonly protection: Protection
}

export async function createUpload(
  engine: Engine,
  keys: BucketKeys,
  target: {
    readonly bucket: Bucket
    readonly key: string
    readonly attributes: Attributes
    readonly checksum?: UploadChecksum
    /** Of the finished object. */
    readonly properties?: ObjectProperties
    /** Default: as the bucket has it. */
    readonly encrypting?: Encrypting
    readonly initiator?: Initiator | undefined
    readonly said?: Readonly<Record<string, string>>
  },
): Promise<CreatedUpload> {
  checkNewLock(engine, target.bucket, target.properties)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const now = currentBucket(engine, target.bucket)
    const { bucket, slot } = await slotForWrite(engine, keys, now, target.encrypting ?? {})
    const created = await tryToCreate(engine, keys, bucket, slot, target)
    if (created) return created
    await engine.buckets.refresh(bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
}

/** Undefined when the bucket changed meanwhile, and with it perhaps what wraps keys. */
async function tryToCreate(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  slot: number,
  target: Parameters<typeof createUpload>[2],
): Promise<CreatedUpload | undefined> {
  const id = random16()
  using content = await newContentKeys(keys, { bucket, key: target.key, blobId: id }, slot, target.encrypting ?? {})
  const manifest: Manifest = { ...target.attributes, etag: '', sizeBytes: 0, parts: [] }
  const createdAtMs = engine.clock.now()
  const identity = { bucketId: bucket.id, key: target.key, versionId: uploadVersion(id), blobId: id }
  const record: UploadRecord = {
    createdAtMs,
    checksumAlgorithm: target.checksum?.algorithm ?? '',
    checksumType: target.checksum?.type ?? '',
    wrappedDek: content.wrapped,
    sealing: content.sealing,
    manifest: sealManifest(content.dek, identity, manifestToJson(manifest)),
    properties: await sealedProperties(keys, { bucket, key: target.key, blobId: id }, target.properties ?? {}),
    initiator: target.initiator,
    said: target.said && (await sealSaid(keys, { bucket, key: target.key, id }, target.said)),
  }
  const uploadId = newUploadId(createdAtMs, id)
  const row = uploadKey(bucket.id, target.key, uploadId)
  const committed = await engine.metadata.commit([
    engine.buckets.fence(bucket),
    { type: 'put', space: SPACE.upload, key: row, value: encodeUpload(record), if: null },
    ...usageWrites(bucket.id, { added: [record] }),
  ])
  if (!committed) return undefined
  return { uploadId: uploadId.toString('hex'), createdAtMs, protection: protectionOf(bucket, record) }
}

/** Throws NoSuchUpload, also for ids that no server could have given out. */
export async function findUpload(engine: Engine, bucket: Bucket, key: string, uploadId: string): Promise<Upload> {
  const parsed = parseUploadId(uploadId)
  const row = parsed && (await engine.metadata.get(SPACE.upload, uploadKey(bucket.id, key, parsed)))
  if (!parsed || !row) throw noSuchUpload(uploadId)
  const id = envelopeIdOf(parsed)
  const record = decodeUpload(row.value)
  const protection = protectionOf(currentOf(engine.buckets)(bucket), record)
  return { id, uploadId, bucket, key, record, row, checksum: checksumOf(record), protection }
}

export function checksumOf(record: UploadRecord): UploadChecksum | undefined {
  const algorithm = CHECKSUM_ALGORITHMS.find((name) => name === record.checksumAlgorithm)
  if (!algorithm) return undefined
  return { algorithm, type: record.checksumType === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT' }
}

/** Throws UploadKeyMismatch, and what unwrapping throws. */
export const openUpload = (
  engine: Engine,
  keys: BucketKeys,
  upload: Upload,
  customerKey: Buffer | undefined,
): Promise<ContentKeys> =>
  underItsKey(engine, upload, ({ bucket, key, id, record }) =>
    openContentKeys(keys, { bucket, key, blobId: id }, record, customerKey),
  ).catch((error: unknown) => {
    throw uploadKeyError(error)
  })

/** A DEK that wraps no more must not take what is new: the key is asked that the upload is under now. */
async function permitUpload(engine: Engine, keys: BucketKeys, { bucket, key, uploadId }: Upload): Promise<void> {
  const now = await findUpload(engine, bucket, key, uploadId)
  await underItsKey(engine, now, ({ record }) => keys.permit(bucket, 'wrap', record.wrappedDek.slot))
}

/** What wrapped its DEK when the upload was looked up may be gone, for the DEK is rewrapped by now. Throws NoSuchUpload when the upload is. */
async function underItsKey<T>(engine: Engine, upload: Upload, act: (upload: Upload) => Promise<T>): Promise<T> {
  for (let current = upload; ; ) {
    try {
      return await act(current)
    } catch (error) {
      const now = await findUpload(engine, upload.bucket, upload.key, upload.uploadId)
      if (now.row.token === current.row.token) throw error
      current = now
    }
  }
}

export function uploadAttributes(upload: Upload, { dek }: Pick<ContentKeys, 'dek'>): Attributes {
  const { bucket, key, id, record } = upload
  const identity = { bucketId: bucket.id, key, versionId: uploadVersion(id), blobId: id }
  const { headers, userMetadata } = manifestFromJson(openManifest(dek, identity, record.manifest))
  return { headers, userMetadata }
}

/** Every attempt of a part has a salt of its own, so the part may be uploaded again under the same number. */
export async function uploadPart(
  engine: Engine,
  keys: BucketKeys,
  upload: Upload,
  number: number,
  body: BodyInput,
  customerKey?: Buffer,
): Promise<UploadedPart> {
  const { bucket, key, id } = upload
  await engine.quotas.foresee(bucket, key, body.lengthBytes)
  // The DEK was wrapped when the upload began; a key that wraps no more must not take what is new.
  await permitUpload(engine, keys, upload)
  using content = await openUpload(engine, keys, upload, customerKey)
  await using draft = engine.drafts.begin(upload.record.properties.storageClass)
  const identity = { bucketId: bucket.id, key, blobId: id, partNumber: number }
  const written = await writeBody(
    draft,
    content,
    identity,
    permittedBody(engine, () => permitUpload(engine, keys, upload), body),
  )
  const { checksum } = written
  const summary: Summary = {
    etag: etagOf(written, content, { customerKey }),
    ...(checksum
      ? { checksum: { algorithm: checksum.algorithm, type: 'FULL_OBJECT', value: checksum.digest.toString('base64') } }
      : {}),
  }
  using cipher = await keys.summaryCipher(bucket)
  const record: PartRecord = {
    sizeBytes: written.sizeBytes,
    modifiedAtMs: engine.clock.now(),
    blob: written.blob,
    partSalt: written.partSalt,
    summary: sealSummary(cipher, bucket, key, id, number, summary),
  }
  // A slow upload must not outlive the permission it started with.
  await permitUpload(engine, keys, upload)
  await commitPart(engine, draft, upload, number, record)
  return { ...summary, number, sizeBytes: record.sizeBytes, modifiedAtMs: record.modifiedAtMs, record }
}

async function commitPart(
  engine: Engine,
  draft: Draft,
  upload: Upload,
  number: number,
  record: PartRecord,
): Promise<void> {
  const row = partKey(upload.id, number)
  let current = upload
  for (;;) {
    const replaced = await engine.metadata.get(SPACE.part, row)
    const writes: Write[] = [
      ...(replaced ? replacing(engine, current, decodePart(replaced.value)) : [stillThere(current)]),
      { type: 'put', space: SPACE.part, key: row, value: encodePart(record), if: replaced ? replaced.token : null },
      {
        type: 'put',
        space: SPACE.blob,
        key: blobKey(record.blob),
        value: encodeOwner({ space: SPACE.part, key: row }),
        if: null,
      },
    ]
    if (await commitOrLeave(engine, draft, writes)) {
      draft.keep()
      if (replaced) engine.garbage.collect()
      return
    }
    current = await findUpload(engine, upload.bucket, upload.key, upload.uploadId)
  }
}

/** An upload that was completed or aborted meanwhile takes no more parts. */
const stillThere = ({ row }: Upload): Write => ({ type: 'check', space: SPACE.upload, key: row.key, if: row.token })

/**
 * Writes the upload's row as it was: its new token tells a CompleteMultipartUpload that has read the parts already to
 * read them again, or else it would name the part that is removed here.
 */
const replacing = (engine: Engine, { id, row }: Upload, part: PartRecord): Write[] => [
  { type: 'put', space: SPACE.upload, key: row.key, value: row.value, if: row.token },
  engine.garbage.entry({ blobs: [part.blob], blobId: id.toString('hex') }),
]

/** Parts in ascending order, after a number. */
export async function partsAfter(
  engine: Engine,
  keys: BucketKeys,
  upload: Upload,
  after: number,
  limit: number,
): Promise<UploadedPart[]> {
  using cipher = await keys.summaryCipher(upload.bucket)
  const rows = await engine.metadata.range(SPACE.part, {
    gte: partKey(upload.id, after + 1),
    lt: rowsUnder(upload.id).lt,
    limit,
  })
  return rows.map((row) => {
    const number = partNumberOf(row.key)
    const record = decodePart(row.value)
    const summary = openSummary(cipher, upload.bucket, upload.key, upload.id, number, record.summary)
    return { ...summary, number, sizeBytes: record.sizeBytes, modifiedAtMs: record.modifiedAtMs, record }
  })
}

/** Throws NoSuchUpload. An upload whose record is damaged ends as well: its parts are found by its id. */
export async function abortUpload(
  engine: Engine,
  { bucket, key, uploadId }: Pick<Upload, 'bucket' | 'key' | 'uploadId'>,
): Promise<void> {
  const parsed = parseUploadId(uploadId)
  for (;;) {
    const row = parsed && (await uploadRow(engine, uploadKey(bucket.id, key, parsed)))
    if (!row) throw noSuchUpload(uploadId)
    if (await endUpload(engine, bucket, row)) return engine.garbage.collect()
  }
}

async function uploadRow({ metadata }: Engine, key: Buffer): Promise<Entry | DamagedRow | undefined> {
  try {
    return await metadata.get(SPACE.upload, key)
  } catch (error) {
    const damaged = damagedRow(error)
    if (!damaged) throw error
    return damaged
  }
}

/** Removes the row, and leaves its parts to the collector. False when the row was written anew meanwhile. */
export async function endUpload(engine: Engine, bucket: Bucket, row: Entry | DamagedRow): Promise<boolean> {
  const { key, uploadId } = splitUploadKey(row.key)
  const blobId = envelopeIdOf(uploadId).toString('hex')
  const ended = await engine.metadata.commit([
    { type: 'delete', space: SPACE.upload, key: row.key, if: row.token },
    ...('damage' in row ? [] : usageWrites(bucket.id, { removed: [decodeUpload(row.value)] })),
    engine.garbage.entry({ blobs: [], blobId, upload: { uploadId: blobId } }),
  ])
  if (ended && 'damage' in row) {
    engine.damage.found(
      SPACE.upload,
      row.key,
      `the record of an upload of ${bucket.name}/${key}, now ended,`,
      row.damage,
    )
    // What it had counted it cannot say any more.
    engine.damage.recount()
  }
  return ended
}

export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  readonly createdAtMs: number
  readonly checksum: UploadChecksum | undefined
  /** Absent: STANDARD. */
  readonly storageClass?: string
  /** Of the finished object. Undefined: the bucket's. */
  readonly owner: PlainProperties['owner']
  readonly initiator: Initiator | undefined
}

export function listedUpload(row: Entry): ListedUpload {
  const { key, uploadId } = splitUploadKey(row.key)
  const record = decodeUpload(row.value)
  const { createdAtMs, initiator, properties } = record
  const found = { key, uploadId: uploadId.toString('hex'), createdAtMs, checksum: checksumOf(record) }
  const { owner, storageClass } = properties
  return { ...found, owner, initiator, ...(storageClass === undefined ? {} : { storageClass }) }
}

/** Of an upload whose record is damaged, as far as its id says it. */
export function unreadableUpload(row: Pick<DamagedRow, 'key'>): ListedUpload {
  const { key, uploadId } = splitUploadKey(row.key)
  return {
    key,
    uploadId: uploadId.toString('hex'),
    createdAtMs: startOf(uploadId),
    checksum: undefined,
    owner: undefined,
    initiator: undefined,
  }
}

export const noSuchUpload = (uploadId: string): ObjectsError =>
  new ObjectsError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { details: { uploadId } },
  )
