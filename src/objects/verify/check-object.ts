import { createHasher, type Hasher } from '../../base/checksums.ts'
import type { RecordCipher } from '../../base/nonces.ts'
import { sealedLength } from '../../envelope/segment.ts'
import type { BlobId } from '../../storage/blob/blob-store.ts'
import type { Manifest, ManifestPart, Summary } from '../content.ts'
import { openSummary } from '../content.ts'
import { type ContentKeys, openContentKeys } from '../content-keys.ts'
import { openTags } from '../object-properties.ts'
import { withoutOuterLayer } from '../outer-layer.ts'
import type { ObjectRecord, PartRecord } from '../records.ts'
import { loadManifest } from '../seal-manifest.ts'
import { checkPart, checkSealedPart, faultOf } from './check-part.ts'
import {
  about,
  atBlob,
  type Checked,
  type Checking,
  checkOwner,
  closedBy,
  isForged,
  KEY_DAMAGE,
  NO_CLASS,
  type Subject,
} from './checking.ts'
import type { Problem } from './finding.ts'
import { partRows } from './stored-parts.ts'

type Parts = ReadonlyMap<number, PartRecord | Error>

/** Everything that one object version consists of, to the last tag, or as far as its key may be used. */
export async function checkObject(checking: Checking, subject: Subject, record: ObjectRecord): Promise<Checked> {
  const parts: Parts = 'blob' in record.data ? new Map() : await partRows(checking, record.blobId)
  const blobs = 'blob' in record.data ? [record.data.blob] : []
  const problems: Problem[] = []
  for (const blob of [...blobs, ...('blob' in record.manifest ? [record.manifest.blob] : [])]) {
    problems.push(...(await checkOwner(checking, subject, blob)))
  }
  const { bucket, key } = subject
  try {
    const place = { bucket, key, blobId: record.blobId }
    using content = await openContentKeys(checking.keys, place, record, undefined)
    problems.push(...(await checkOpen(checking, subject, record, parts, content)))
    return { problems }
  } catch (error) {
    const closed = closedBy(error)
    if (closed === undefined && !isForged(error)) throw error
    if (closed === NO_CLASS) return { problems, closed }
    if (closed === undefined) problems.push({ kind: 'key-damaged', ...about(subject), damage: KEY_DAMAGE })
    problems.push(...(await checkClosed(checking, subject, record, parts)))
    return closed === undefined ? { problems } : { problems, closed }
  }
}

async function checkOpen(
  checking: Checking,
  subject: Subject,
  record: ObjectRecord,
  rows: Parts,
  content: ContentKeys,
): Promise<Problem[]> {
  const problems: Problem[] = []
  const manifest = await openedManifest(checking, subject, record, content)
  using cipher = await checking.keys.summaryCipher(subject.bucket)
  const foreign = record.sealing.foreign === true
  if ('kind' in manifest) {
    return [
      manifest,
      ...(await checkClosed(checking, subject, record, rows)),
      ...sealedMembers(cipher, subject, record),
    ]
  }
  problems.push(...disagreements(subject, record, manifest, foreign))
  problems.push(...sealedMembers(cipher, subject, record, foreign ? undefined : manifest))
  const sums = foreign ? [] : contentSums(checking, record, manifest)
  let whole = true
  for (const part of manifest.parts) {
    const found = await checkManifestPart(checking, subject, record, content, part, rows, cipher, (plaintext) => {
      for (const { hasher } of sums) hasher.update(plaintext)
    })
    whole &&= found.every(({ kind }) => kind === 'owner-missing' || kind === 'summary-damaged')
    problems.push(...found)
  }
  if (!whole) return problems
  for (const { name, expected, hasher, encoding } of sums) {
    if (hasher.digest().toString(encoding) === expected) continue
    problems.push({ kind: 'content-differs', ...about(subject), damage: `its ${name} is not the one that was stored` })
  }
  return problems
}

async function openedManifest(
  { blobs, pace }: Checking,
  subject: Subject,
  record: ObjectRecord,
  { dek }: ContentKeys,
): Promise<Manifest | Problem> {
  const { bucket, key } = subject
  const blob = 'blob' in record.manifest ? record.manifest.blob : undefined
  const where = { ...about(subject), ...(blob === undefined ? {} : atBlob(blob)) }
  const envelope = { bucket, key, versionId: record.versionId, blobId: record.blobId }
  try {
    if (blob !== undefined) await pace((await blobs.stat(blob))?.lengthBytes ?? 0)
    return await loadManifest(blobs, dek, envelope, record.manifest)
  } catch (error) {
    if (isForged(error)) return { kind: 'manifest-damaged', ...where, damage: 'its manifest does not authenticate' }
    const { kind, damage } = faultOf(error)
    return kind === 'content-missing'
      ? { kind: 'manifest-missing', ...where, damage: 'its manifest is not there' }
      : { kind: 'manifest-damaged', ...where, damage: `its manifest: ${damage}` }
  }
}

/** What the record says and what the manifest says. */
function disagreements(subject: Subject, record: ObjectRecord, manifest: Manifest, foreign: boolean): Problem[] {
  const sum = manifest.parts.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
  const parts = 'blob' in record.data ? 1 : record.data.partCount
  const said = [
    ...(foreign || manifest.sizeBytes === record.sizeBytes ? [] : ['its record and its manifest have other sizes']),
    ...(sum === manifest.sizeBytes ? [] : ['its parts have another size than the whole']),
    ...(manifest.parts.length === parts ? [] : ['its record and its manifest have other numbers of parts']),
  ]
  return said.map((damage) => ({ kind: 'manifest-damaged', ...about(subject), damage }))
}

/** What lies under the bucket metadata key. */
function sealedMembers(cipher: RecordCipher, subject: Subject, record: ObjectRecord, manifest?: Manifest): Problem[] {
  const { bucket, key } = subject
  const problems: Problem[] = []
  const opened = attempt((): Summary => openSummary(cipher, bucket, key, record.blobId, 0, record.summary))
  if (!opened)
    problems.push({ kind: 'summary-damaged', ...about(subject), damage: 'its summary does not authenticate' })
  else if (manifest && opened.etag !== manifest.etag) {
    problems.push({
      kind: 'summary-damaged',
      ...about(subject),
      damage: 'its summary and its manifest have other ETags',
    })
  }
  if (!attempt(() => openTags(cipher, bucket, key, record.blobId, record.properties))) {
    problems.push({ kind: 'tags-damaged', ...about(subject), damage: 'its tags do not authenticate' })
  }
  return problems
}

export function attempt<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (isForged(error)) return undefined
    throw error
  }
}

interface Sum {
  readonly name: string
  readonly expected: string
  readonly encoding: 'hex' | 'base64'
  readonly hasher: Hasher
}

const CHEAP: readonly string[] = ['crc32', 'crc32c', 'crc64nvme']

/** What is known of all bytes of the content in one piece. */
function contentSums({ checksums }: Checking, record: ObjectRecord, { etag, checksum, parts }: Manifest): Sum[] {
  const sums: Sum[] = []
  if (checksum?.type === 'FULL_OBJECT' && (checksums || CHEAP.includes(checksum.algorithm))) {
    const { algorithm, value } = checksum
    sums.push({ name: algorithm, expected: value, encoding: 'base64', hasher: createHasher(algorithm) })
  }
  // The ETag of an object with a customer's key, or of one that came in parts, is no MD5 of its bytes.
  const plain = 'blob' in record.data && parts.length === 1 && !record.sealing.customerKeyCheck
  if (checksums && plain && /^[0-9a-f]{32}$/.test(etag)) {
    sums.push({ name: 'MD5 (ETag)', expected: etag, encoding: 'hex', hasher: createHasher('md5') })
  }
  return sums
}

async function checkManifestPart(
  checking: Checking,
  subject: Subject,
  record: ObjectRecord,
  content: ContentKeys,
  part: ManifestPart,
  rows: Parts,
  cipher: RecordCipher,
  onPlaintext: (plaintext: Buffer) => void,
): Promise<Problem[]> {
  if ('blob' in record.data) return checkBytes(checking, subject, record, content, part, record.data.blob, onPlaintext)
  const row = rows.get(part.number)
  const where = { ...about(subject), part: part.number }
  if (!row) return [{ kind: 'part-missing', ...where, damage: 'the row of the part is missing' }]
  if (row instanceof Error) return [{ kind: 'part-damaged', ...where, damage: 'the row of the part cannot be read' }]
  const problems = await checkPartRow(checking, subject, record.blobId, part.number, row, cipher)
  if (row.sizeBytes !== part.sizeBytes || !row.partSalt.equals(part.salt)) {
    return [...problems, { kind: 'part-damaged', ...where, damage: 'its row is not that of the part in the manifest' }]
  }
  return [...problems, ...(await checkBytes(checking, subject, record, content, part, row.blob, onPlaintext))]
}

/** The row of a part but for the bytes that it names. */
export async function checkPartRow(
  checking: Checking,
  subject: Subject,
  envelopeId: Buffer,
  number: number,
  { blob, summary }: PartRecord,
  cipher: RecordCipher,
): Promise<Problem[]> {
  const { bucket, key } = subject
  const owner = (await checkOwner(checking, subject, blob)).map((problem) => ({ ...problem, part: number }))
  if (attempt(() => openSummary(cipher, bucket, key, envelopeId, number, summary))) return owner
  const damage = 'the summary of the part does not authenticate'
  return [...owner, { kind: 'summary-damaged', ...about(subject), part: number, damage }]
}

type PartOfContent = Pick<ManifestPart, 'number' | 'salt' | 'sizeBytes'>

/** The stored bytes of a part, in one layer or two. */
export async function checkBytes(
  checking: Checking,
  subject: Subject,
  { blobId }: Pick<ObjectRecord, 'blobId'>,
  { dek, outer }: ContentKeys,
  { number, salt, sizeBytes }: PartOfContent,
  blob: BlobId,
  onPlaintext?: (plaintext: Buffer) => void,
): Promise<Problem[]> {
  const identity = { bucketId: subject.bucket.id, key: subject.key, blobId, partNumber: number }
  const where = { ...about(subject), ...(number === 0 ? {} : { part: number }), ...atBlob(blob) }
  const around = outer && { dek: outer, identity, salt, sizeBytes: sealedLength(sizeBytes) }
  const outside = around && (await checkPart(checking, blob, around))
  if (outside) return [{ ...outside, ...where }]
  // What is read a second time is in memory: it is not paced again.
  const reader = outer
    ? { blobs: withoutOuterLayer(checking.blobs, outer, identity, { salt, sizeBytes }), pace: async () => {} }
    : checking
  const fault = await checkPart(reader, blob, { dek, identity, salt, sizeBytes }, onPlaintext)
  return fault ? [{ ...fault, ...where }] : []
}

/** What can be told of the stored bytes without the DEK. */
async function checkClosed(
  checking: Checking,
  subject: Subject,
  record: ObjectRecord,
  rows: Parts,
): Promise<Problem[]> {
  const { blobId, sealing } = record
  const layered = (bytes: number): number =>
    sealing.outerKey ? sealedLength(sealedLength(bytes)) : sealedLength(bytes)
  const identity = { bucketId: subject.bucket.id, key: subject.key, blobId }
  if ('blob' in record.data) {
    const storedBytes = sealing.foreign ? {} : { storedBytes: layered(record.sizeBytes) }
    const part = { identity: { ...identity, partNumber: 0 }, ...storedBytes }
    const fault = await checkSealedPart(checking, record.data.blob, part)
    return fault ? [{ ...fault, ...about(subject), ...atBlob(record.data.blob) }] : []
  }
  return checkClosedParts(checking, subject, blobId, rows, layered)
}

export async function checkClosedParts(
  checking: Checking,
  subject: Subject,
  envelopeId: Buffer,
  rows: Parts,
  layered: (bytes: number) => number,
): Promise<Problem[]> {
  const identity = { bucketId: subject.bucket.id, key: subject.key, blobId: envelopeId }
  const problems: Problem[] = []
  for (const [number, row] of rows) {
    const where = { ...about(subject), part: number }
    if (row instanceof Error) {
      problems.push({ kind: 'part-damaged', ...where, damage: 'the row of the part cannot be read' })
      continue
    }
    const part = {
      identity: { ...identity, partNumber: number },
      salt: row.partSalt,
      storedBytes: layered(row.sizeBytes),
    }
    const fault = await checkSealedPart(checking, row.blob, part)
    problems.push(...(await checkOwner(checking, subject, row.blob)))
    if (fault) problems.push({ ...fault, ...where, ...atBlob(row.blob) })
  }
  return problems
}
