import { type ChecksumAlgorithm, compositeDigest } from '../base/checksums.ts'
import { combineCrcs, isCombinable } from '../base/crc-combine.ts'
import { hasCode } from '../base/errors.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import { type Bucket, currentOf } from './buckets.ts'
import { commitVersion } from './commit-version.ts'
import type { WriteConditions } from './conditions.ts'
import { type Manifest, openSummary, type StoredChecksum, sealSummary } from './content.ts'
import type { Engine } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { type Protection, protectionOf } from './key-slots.ts'
import { headKey, SPACE } from './keyspace.ts'
import { checkNewLock } from './object-lock.ts'
import type { ObjectLock } from './object-properties.ts'
import { requireProtection, withMore } from './protection.ts'
import { sealingOf } from './put-object.ts'
import { decodeObject } from './records.ts'
import type { ReplicaOf } from './replication/replica.ts'
import { storeManifest } from './seal-manifest.ts'
import { envelopeIdOf, parseUploadId } from './upload-id.ts'
import {
  abortUpload,
  findUpload,
  openUpload,
  partsAfter,
  type Upload,
  type UploadChecksum,
  type UploadedPart,
  uploadAttributes,
} from './uploads.ts'

/** S3 of today: 50 TB; the manifest allows it (10,000 parts of 5 GiB). */
const MAX_OBJECT_BYTES = 50 * 1000 ** 4
const PAGE = 1000

export interface ListedPart {
  readonly number: number
  /** Without quotes. */
  readonly etag: string
  /** Base64, when the client repeats the part's checksum. */
  readonly checksum?: string
}

export interface CompleteInput {
  /** Beside what the upload began with. */
  readonly lock?: ObjectLock
  readonly bucket: Bucket
  readonly key: string
  readonly uploadId: string
  readonly parts: readonly ListedPart[]
  readonly conditions: WriteConditions
  /** Checksum of the whole object, base64, that the client expects. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string }
  readonly checksumType?: 'FULL_OBJECT' | 'COMPOSITE'
  readonly sizeBytes?: number
  /** The one that the upload began with. */
  readonly customerKey?: Buffer | undefined
  /** It is a copy of a version elsewhere. */
  readonly replica?: ReplicaOf | undefined
}

export interface CompletedObject {
  readonly etag: string
  readonly versionId: string
  readonly checksum?: StoredChecksum
  readonly protection: Protection
}

/** Moves no bytes: the parts stay where they are, and one commit makes them the object. */
export async function completeUpload(engine: Engine, keys: BucketKeys, input: CompleteInput): Promise<CompletedObject> {
  for (;;) {
    const completed = await tryToComplete(engine, keys, input)
    if (completed) return completed
  }
}

/** Undefined when a part was replaced, or the upload ended, meanwhile: what was read of the parts no longer holds. */
async function tryToComplete(
  engine: Engine,
  keys: BucketKeys,
  input: CompleteInput,
): Promise<CompletedObject | undefined> {
  const { bucket, key } = input
  let upload: Upload
  try {
    upload = await findUpload(engine, bucket, key, input.uploadId)
  } catch (error) {
    const finished = await finishedBefore(engine, keys, input)
    if (finished) return finished
    throw error
  }
  checkClaims(input, upload.checksum)
  checkNewLock(engine, bucket, input)
  const modifiedAtMs = input.replica?.modifiedAtMs ?? engine.clock.now()
  const { properties: began } = upload.record
  const properties = input.lock
    ? { ...began, lock: withMore(requireProtection(engine, bucket), began.lock, input.lock, modifiedAtMs) }
    : began
  const stored = await allParts(engine, keys, upload)
  const parts = chooseParts(input.parts, stored)
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  checkSizes(engine.minPartBytes, parts, sizeBytes, input.sizeBytes)
  const etag = multipartEtag(parts)
  const checksum = objectChecksum(upload.checksum, parts)
  if (input.checksum && checksum && input.checksum.value !== checksum.value) {
    throw new ObjectsError('ChecksumMismatch', 'The checksum you specified did not match the calculated checksum.', {
      details: { algorithm: checksum.algorithm },
    })
  }
  const summary = checksum ? { etag, checksum } : { etag }
  const manifestParts = parts.map((part) => ({
    number: part.number,
    sizeBytes: part.sizeBytes,
    salt: part.record.partSalt,
    ...(part.checksum ? { checksum: part.checksum.value } : {}),
  }))

  const opened = await openUpload(engine, keys, upload, input.customerKey).catch((error: unknown) => {
    // Completed by somebody else, perhaps: the next look tells.
    if (hasCode<ObjectsErrorCode>(error, 'NoSuchUpload')) return undefined
    throw error
  })
  if (!opened) return undefined
  using content = opened
  await using draft = engine.drafts.begin(upload.record.properties.storageClass)
  const manifest: Manifest = { ...uploadAttributes(upload, content), ...summary, sizeBytes, parts: manifestParts }
  const seal = (versionId: string) =>
    storeManifest(draft, content.dek, { bucket, key, versionId, blobId: upload.id }, manifest)
  using cipher = await keys.summaryCipher(bucket)
  const record = {
    sizeBytes: input.replica?.sealedSizeBytes ?? sizeBytes,
    modifiedAtMs,
    blobId: upload.id,
    wrappedDek: upload.record.wrappedDek,
    sealing: sealingOf(upload.record, input.replica),
    data: { partCount: parts.length },
    summary: sealSummary(cipher, bucket, key, upload.id, 0, summary),
    properties,
  }
  let partReplaced = false
  const also = {
    writes: endOfUpload(engine, upload, parts),
    endedUpload: upload.record,
    recheck: async () => {
      const now = await findUpload(engine, bucket, key, input.uploadId)
      partReplaced = now.row.token !== upload.row.token
      if (partReplaced) throw new ObjectsError('ConditionalRequestConflict', 'a part was replaced at the same time')
    },
  }
  try {
    const committed = await commitVersion(engine, keys, draft, {
      bucket,
      key,
      record,
      etag,
      seal,
      conditions: input.conditions,
      also,
      replica: input.replica,
    })
    if (committed.wasThere) await abortUpload(engine, { bucket, key, uploadId: input.uploadId })
    const { versionId } = committed.record
    return { ...summary, versionId, protection: protectionOf(committed.bucket, record) }
  } catch (error) {
    if (partReplaced) return undefined
    // Another CompleteMultipartUpload of the same upload won: its answer is ours. Where that can't be seen, the first
    // error stands: a refused key, say, would tell the client that nothing was done.
    const finished = await finishedBefore(engine, keys, input).catch(() => undefined)
    if (finished) return finished
    throw error
  }
}

/** What the client says of the object's checksum must be something that is known of it, or it would go unverified. */
function checkClaims({ checksum, checksumType }: CompleteInput, wanted: UploadChecksum | undefined): void {
  if (checksum && checksum.algorithm !== wanted?.algorithm) {
    throw new ObjectsError(
      'ChecksumTypeMismatch',
      `Checksum Type mismatch occurred, expected checksum Type: ${wanted?.algorithm ?? 'null'}, actual checksum Type: ${checksum.algorithm}`,
    )
  }
  if (checksumType && checksumType !== wanted?.type) {
    throw new ObjectsError(
      'ChecksumTypeMismatch',
      wanted
        ? `The upload was created using the ${wanted.type} checksum type. The complete request must use the same checksum type.`
        : 'The upload was created without a checksum algorithm. The complete request cannot have a checksum type.',
    )
  }
}

/** S3: repeating a successful CompleteMultipartUpload succeeds with the same answer. */
async function finishedBefore(
  engine: Engine,
  keys: BucketKeys,
  input: CompleteInput,
): Promise<CompletedObject | undefined> {
  const row = await engine.metadata.get(SPACE.head, headKey(input.bucket.id, input.key))
  if (!row) return undefined
  const record = decodeObject(row.value)
  const uploadId = parseUploadId(input.uploadId)
  const same = uploadId !== undefined && record.blobId.equals(envelopeIdOf(uploadId))
  if (!('partCount' in record.data) || !same) return undefined
  // Of this very record: by now another object may be the current one.
  using cipher = await keys.summaryCipher(input.bucket)
  const summary = openSummary(cipher, input.bucket, input.key, record.blobId, 0, record.summary)
  const protection = protectionOf(currentOf(engine.buckets)(input.bucket), record)
  return { ...summary, versionId: record.versionId, protection }
}

async function allParts(engine: Engine, keys: BucketKeys, upload: Upload): Promise<Map<number, UploadedPart>> {
  const parts = new Map<number, UploadedPart>()
  let after = 0
  for (;;) {
    const page = await partsAfter(engine, keys, upload, after, PAGE)
    for (const part of page) parts.set(part.number, part)
    const last = page.at(-1)
    if (page.length < PAGE || !last) return parts
    after = last.number
  }
}

function chooseParts(listed: readonly ListedPart[], stored: ReadonlyMap<number, UploadedPart>): UploadedPart[] {
  let previous = 0
  for (const { number } of listed) {
    if (number < previous) {
      throw new ObjectsError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      )
    }
    previous = number
  }
  // A part that was sent again may stand in the list again: its last entry counts.
  return listed
    .filter(({ number }, index) => listed[index + 1]?.number !== number)
    .map((part) => choosePart(part, stored))
}

function choosePart({ number, etag, checksum }: ListedPart, stored: ReadonlyMap<number, UploadedPart>): UploadedPart {
  const part = stored.get(number)
  if (part?.etag === etag && (checksum === undefined || checksum === part.checksum?.value)) return part
  throw new ObjectsError(
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { details: { partNumber: number, etag } },
  )
}

function checkSizes(
  minPartBytes: number,
  parts: readonly UploadedPart[],
  sizeBytes: number,
  expectedBytes: number | undefined,
): void {
  const small = parts.slice(0, -1).find((part) => part.sizeBytes < minPartBytes)
  if (small) {
    throw new ObjectsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      details: { partNumber: small.number, proposedSize: small.sizeBytes, minSizeAllowed: minPartBytes },
    })
  }
  if (sizeBytes > MAX_OBJECT_BYTES) {
    throw new ObjectsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.')
  }
  if (expectedBytes !== undefined && expectedBytes !== sizeBytes) {
    throw new ObjectsError(
      'InvalidPart',
      `The provided 'x-amz-mp-object-size' header does not match the object size ${sizeBytes}.`,
    )
  }
}

function multipartEtag(parts: readonly UploadedPart[]): string {
  const md5 = compositeDigest(
    'md5',
    parts.map((part) => Buffer.from(part.etag, 'hex')),
  )
  return `${md5.toString('hex')}-${parts.length}`
}

function objectChecksum(
  wanted: UploadChecksum | undefined,
  parts: readonly UploadedPart[],
): StoredChecksum | undefined {
  if (!wanted) return undefined
  const { algorithm, type } = wanted
  const sums = parts.map((part) => {
    if (part.checksum?.algorithm !== algorithm) {
      throw new ObjectsError(
        'InvalidPart',
        `The upload was created with ${algorithm} checksums, but part ${part.number} has none.`,
      )
    }
    return { digest: Buffer.from(part.checksum.value, 'base64'), sizeBytes: part.sizeBytes }
  })
  if (type === 'FULL_OBJECT' && isCombinable(algorithm)) {
    return { algorithm, type, value: combineCrcs(algorithm, sums).toString('base64') }
  }
  const composite = compositeDigest(
    algorithm,
    sums.map((part) => part.digest),
  )
  return { algorithm, type: 'COMPOSITE', value: `${composite.toString('base64')}-${parts.length}` }
}

/**
 * The upload's row goes, and so does every part of it that is not in the object: those that were uploaded but not listed,
 * and those that arrived after the parts were read. None arrives once its row is gone; what is appended to the object says
 * that it is none of them.
 */
function endOfUpload(engine: Engine, upload: Upload, chosen: readonly UploadedPart[]): Write[] {
  const uploadId = upload.id.toString('hex')
  const kept = runsOf(chosen.map((part) => part.number))
  return [
    { type: 'delete', space: SPACE.upload, key: upload.row.key, if: upload.row.token },
    // An identity of its own: readers of the object don't read these parts.
    engine.garbage.entry({ blobs: [], blobId: `unlisted:${uploadId}`, upload: { uploadId, kept, butAppended: true } }),
  ]
}

/** Ascending numbers as first and last of each run. */
function runsOf(numbers: readonly number[]): number[] {
  const runs: number[] = []
  for (const number of numbers) {
    if (runs.length > 0 && runs.at(-1) === number - 1) runs[runs.length - 1] = number
    else runs.push(number, number)
  }
  return runs
}
