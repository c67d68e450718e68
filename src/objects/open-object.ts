import type { Dek } from '../envelope/dek.ts'
import { openPart } from '../envelope/seal.ts'
import { HEADER_SIZE } from '../envelope/segment.ts'
import type { BlobId } from '../storage/blob/blob-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import type { Manifest, ManifestPart } from './content.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { headKey, partKey, SPACE } from './keyspace.ts'
import { decodeObject, decodePart, type ObjectRecord } from './records.ts'
import { loadManifest } from './seal-manifest.ts'
import { whilePermitted } from './while-permitted.ts'

/** Segments a read: large enough for the disk, small enough for many readers at once. */
const SEGMENTS_PER_READ = 4
/** Small parts are read whole, header and all, in one go. */
const WHOLE_BYTES = 256 * 1024

export interface ByteRange {
  /** First byte. */
  readonly start: number
  /** One past the last byte. */
  readonly end: number
}

/** An object version that the root key allowed to open. Dispose it: it holds the DEK and keeps its bytes from removal. */
export interface OpenObject extends Disposable {
  readonly modifiedAtMs: number
  readonly versionId: string
  readonly manifest: Manifest
  /** Verified plaintext. A damaged segment throws ObjectDamaged; what came before it was authentic. */
  readonly read: (range: ByteRange) => AsyncIterable<Buffer>
}

export async function openObject(engine: Engine, keys: BucketKeys, bucket: Bucket, key: string): Promise<OpenObject> {
  using scope = new DisposableStack()
  const { found: record } = scope.use(await engine.garbage.pin(() => currentRecord(engine, bucket, key)))
  const openedAtMs = engine.clock.now()
  const dek = scope.use(await keys.unwrapDek(bucket, record.blobId, record.wrappedDek))
  const envelope = { bucket, key, versionId: record.versionId, blobId: record.blobId }
  const manifest = await damaged(() => loadManifest(engine.blobs, dek, envelope, record.manifest))
  if (manifest.sizeBytes !== record.sizeBytes)
    throw new ObjectsError('ObjectDamaged', 'sizes of record and manifest differ')
  const held = scope.move()
  return {
    modifiedAtMs: record.modifiedAtMs,
    versionId: record.versionId,
    manifest,
    read: (range) => {
      const ask = () => keys.permit(bucket, 'unwrap')
      const bytes = readRange(engine, bucket, key, dek, record, manifest, range)
      return whilePermitted(bytes, { clock: engine.clock, ask, askedAtMs: openedAtMs })
    },
    [Symbol.dispose]: () => held.dispose(),
  }
}

async function currentRecord(engine: Engine, bucket: Bucket, key: string): Promise<ObjectRecord> {
  const row = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
  if (!row) throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key } })
  return decodeObject(row.value)
}

async function* readRange(
  engine: Engine,
  bucket: Bucket,
  key: string,
  dek: Dek,
  record: ObjectRecord,
  manifest: Manifest,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  let offset = 0
  for (const part of manifest.parts) {
    const start = Math.max(range.start - offset, 0)
    const end = Math.min(range.end - offset, part.sizeBytes)
    offset += part.sizeBytes
    // An empty object still has one segment, and its tag is verified.
    if (start >= end && manifest.sizeBytes > 0) continue
    const blob = await blobOfPart(engine, record, part)
    yield* readPart(engine, bucket, key, dek, record, part, blob, { start, end })
  }
}

async function* readPart(
  engine: Engine,
  bucket: Bucket,
  key: string,
  dek: Dek,
  record: ObjectRecord,
  part: ManifestPart,
  blob: BlobId,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  const identity = { bucketId: bucket.id, key, blobId: record.blobId, partNumber: part.number }
  try {
    const info = await engine.blobs.stat(blob)
    if (!info) throw new ObjectsError('ObjectDamaged', 'a part is missing', { details: { part: part.number } })
    if (part.sizeBytes <= WHOLE_BYTES && info.lengthBytes <= 2 * WHOLE_BYTES) {
      const stored = await joined(engine.blobs.get(blob, { start: 0, end: info.lengthBytes }))
      using opener = openPart(dek, identity, part.salt, part.sizeBytes, stored.subarray(0, HEADER_SIZE), stored.length)
      const sealed = opener.ciphertextRange(range)
      yield* opener.bytes(range, stored.subarray(sealed.start, sealed.end))
      return
    }
    const header = await joined(engine.blobs.get(blob, { start: 0, end: Math.min(HEADER_SIZE, info.lengthBytes) }))
    using opener = openPart(dek, identity, part.salt, part.sizeBytes, header, info.lengthBytes)
    const sealed = opener.ciphertextRange(range)
    // Whole segments, so that the store may fill the same memory again.
    const chunkBytes = SEGMENTS_PER_READ * opener.sealedSegmentBytes
    yield* opener.unseal(range, engine.blobs.get(blob, { ...sealed, chunkBytes, reuse: true }))
  } catch (error) {
    throw asDamage(error)
  }
}

async function blobOfPart(engine: Engine, record: ObjectRecord, part: ManifestPart): Promise<BlobId> {
  if ('blob' in record.data) return record.data.blob
  const row = await engine.metadata.get(SPACE.part, partKey(record.blobId, part.number))
  if (!row) throw new ObjectsError('ObjectDamaged', 'the row of a part is missing', { details: { part: part.number } })
  return decodePart(row.value).blob
}

async function joined(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

async function damaged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asDamage(error)
  }
}

const DAMAGE: readonly string[] = ['EnvelopeForged', 'BlobMissing', 'BlobTorn', 'MetadataCorrupt']

/** One code outside, whatever it is inside: how ciphertext failed is nobody's business but the log's. */
export function asDamage(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return DAMAGE.includes(code)
    ? new ObjectsError('ObjectDamaged', 'stored bytes do not authenticate', { cause: error })
    : error
}
