import type { LayerKeys } from '../envelope/layers.ts'
import { openPart } from '../envelope/seal.ts'
import { HEADER_SIZE, SEGMENT_SIZE, TAG_SIZE } from '../envelope/segment.ts'
import type { PartOpener } from '../envelope/unseal.ts'
import type { BlobId } from '../storage/blob/blob-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import { type Bucket, currentOf } from './buckets.ts'
import type { ByteRange } from './byte-range.ts'
import { sameBucket } from './commit-version.ts'
import type { Manifest, ManifestPart } from './content.ts'
import { openContentKeys } from './content-keys.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { findObject, findVersion, type VersionTarget } from './find-version.ts'
import { type Protection, protectionOf } from './key-slots.ts'
import type { StoredProperties, Tag } from './object-properties.ts'
import { type ReadableBlobs, withoutOuterLayer } from './outer-layer.ts'
import { blobOfPart } from './part-blob.ts'
import { permitVersion } from './permit-version.ts'
import type { ObjectRecord } from './records.ts'
import { openSealedReplica } from './replication/open-sealed.ts'
import { sealedReplicaOf } from './replication/seal-out.ts'
import type { SealedReplica } from './replication/sealed-format.ts'
import { loadManifest } from './seal-manifest.ts'
import { tagsOf } from './seal-properties.ts'
import { type PermitWatch, watchPermit, whilePermitted } from './while-permitted.ts'

/** Segments a read: large enough for the disk, small enough for many readers at once. */
const SEGMENTS_PER_READ = 4
/** Small parts are read whole, header and all, in one go. */
const WHOLE_BYTES = 256 * 1024
/** Each but the first means that the object was written or rewrapped meanwhile. */
const MAX_ATTEMPTS = 20

/** An object version that the root key allowed to open. Dispose it: it holds the DEK and keeps its bytes from removal. */
export interface OpenObject extends Disposable {
  /** Of these bytes and no others. */
  readonly blobId: Buffer
  readonly modifiedAtMs: number
  readonly versionId: string
  readonly manifest: Manifest
  readonly protection: Protection
  readonly properties: StoredProperties
  readonly tags: () => Promise<readonly Tag[]>
  /** Verified plaintext. A damaged segment throws ObjectDamaged; what came before it was authentic. */
  readonly read: (range: ByteRange) => AsyncIterable<Buffer>
  /** As its bucket has it sealed. While this is open. Throws ReplicaRefused. */
  readonly sealedReplica: () => Promise<SealedReplica>
  /** Tells whoever sends the bytes on that they may not be sent any more, whether or not the next are asked for. */
  readonly watch: () => PermitWatch
}

export interface OpenOptions {
  readonly customerKey?: Buffer | undefined
  /** A sealed replica itself, and not what it holds. Of no other object. */
  readonly asSealed?: boolean | undefined
}

/** Throws NoSuchKey, NoSuchVersion, DeleteMarker, ReplicaSealed. */
export async function openObject(
  engine: Engine,
  keys: BucketKeys,
  target: VersionTarget,
  { customerKey, asSealed = false }: OpenOptions = {},
): Promise<OpenObject> {
  const { bucket, key } = target
  for (let attempt = 1; ; attempt++) {
    using scope = new DisposableStack()
    const { found } = scope.use(await engine.garbage.pin(() => identified(engine, target)))
    try {
      const opened = await openRecord(engine, keys, bucket, key, found.record, { customerKey, asSealed })
      const pin = scope.move()
      return {
        ...opened,
        [Symbol.dispose]: () => {
          opened[Symbol.dispose]()
          pin.dispose()
        },
      }
    } catch (error) {
      // What wrapped the DEK may be gone by now, for it was rewrapped, or deleted, since the look at the row.
      const now = await findVersion(engine, target)
      if (attempt === MAX_ATTEMPTS || now?.row.token === found.row.token) throw error
    }
  }
}

async function openRecord(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  key: string,
  record: ObjectRecord,
  { customerKey, asSealed = false }: OpenOptions,
): Promise<OpenObject> {
  const { foreign = false } = record.sealing
  if (asSealed && !foreign) throw new ObjectsError('ReplicaRefused', 'The object is no sealed replica.')
  using scope = new DisposableStack()
  const openedAtMs = engine.clock.now()
  const place = { bucket, key, blobId: record.blobId }
  const content = scope.use(await damaged(() => openContentKeys(keys, place, record, customerKey)))
  const envelope = { bucket, key, versionId: record.versionId, blobId: record.blobId }
  const stored = await damaged(() => loadManifest(engine.blobs, content.dek, envelope, record.manifest))
  if (!foreign && stored.sizeBytes !== record.sizeBytes)
    throw new ObjectsError('ObjectDamaged', 'sizes of record and manifest differ')
  const readStored = (range: ByteRange) => readRange(engine, bucket, key, content, record, stored, range)
  const now = currentOf(engine.buckets)(bucket)
  const replica =
    foreign && !asSealed
      ? scope.use(await damaged(() => openSealedReplica(keys, now, key, record, readStored, stored.sizeBytes)))
      : undefined
  // Its own ETag would tell of the content to whoever lists it.
  const manifest = replica ? { ...replica.manifest, etag: stored.etag } : stored
  const askOwn = permitVersion(engine, keys, { bucket, key }, record, 'unwrap')
  const ask = async () => {
    await askOwn()
    // What a sealed replica lies under is the bucket's root key.
    if (replica) await keys.permit(bucket, 'unwrap')
  }
  const held = scope.move()
  return {
    blobId: record.blobId,
    modifiedAtMs: record.modifiedAtMs,
    versionId: record.versionId,
    manifest,
    protection: protectionOf(now, record),
    properties: record.properties,
    tags: () => tagsOf(keys, sameBucket(engine, bucket), key, record),
    watch: () => watchPermit(ask),
    sealedReplica: () => sealedReplicaOf(engine, currentOf(engine.buckets)(bucket), key, record, manifest),
    read: (range) => {
      const bytes = replica ? undamaged(replica.read(range)) : readStored(range)
      return whilePermitted(bytes, { clock: engine.clock, ask, askedAtMs: openedAtMs })
    },
    [Symbol.dispose]: () => held.dispose(),
  }
}

async function identified(engine: Engine, target: VersionTarget) {
  const found = await findObject(engine, target)
  return { ...found, blobId: found.record.blobId }
}

async function* readRange(
  engine: Engine,
  bucket: Bucket,
  key: string,
  keys: LayerKeys,
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
    yield* readPart(engine, bucket, key, keys, record, part, blob, { start, end })
  }
}

async function* readPart(
  engine: Engine,
  bucket: Bucket,
  key: string,
  keys: LayerKeys,
  record: ObjectRecord,
  part: ManifestPart,
  blob: BlobId,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  const identity = { bucketId: bucket.id, key, blobId: record.blobId, partNumber: part.number }
  const open = (header: Buffer, storedBytes: number): PartOpener =>
    openPart(keys.dek, identity, part.salt, part.sizeBytes, header, storedBytes)
  try {
    const blobs = keys.outer ? withoutOuterLayer(engine.blobs, keys.outer, identity, part) : engine.blobs
    const info = await blobs.stat(blob)
    if (!info) throw new ObjectsError('ObjectDamaged', 'a part is missing', { details: { part: part.number } })
    const { lengthBytes } = info
    using ahead = part.sizeBytes > SEGMENT_SIZE ? engine.readAhead.take() : undefined
    const whole = part.sizeBytes <= (ahead ? WHOLE_BYTES : SEGMENT_SIZE) && lengthBytes <= 2 * WHOLE_BYTES
    if (whole) {
      yield* await readWhole(blobs, blob, lengthBytes, open, range)
      return
    }
    const header = await joined(blobs.get(blob, { start: 0, end: Math.min(HEADER_SIZE, lengthBytes) }))
    using opener = open(header, lengthBytes)
    if (ahead) yield* streamed(blobs, blob, opener, range)
    else yield* bySegment({ blobs, readAhead: engine.readAhead }, blob, opener, range)
  } catch (error) {
    throw asDamage(error)
  }
}

// What is read in a function of its own is not held while its plaintext waits for a slow client.
async function readWhole(
  blobs: ReadableBlobs,
  blob: BlobId,
  lengthBytes: number,
  open: (header: Buffer, storedBytes: number) => PartOpener,
  range: ByteRange,
): Promise<Buffer[]> {
  const stored = await joined(blobs.get(blob, { start: 0, end: lengthBytes }))
  using opener = open(stored.subarray(0, HEADER_SIZE), stored.length)
  const sealed = opener.ciphertextRange(range)
  return opener.bytes(range, stored.subarray(sealed.start, sealed.end))
}

/** The plaintext of a range within one segment. */
async function readSegment(
  blobs: ReadableBlobs,
  blob: BlobId,
  opener: PartOpener,
  range: ByteRange,
): Promise<Buffer[]> {
  // Whole, however it is cut: an outer layer has segments of its own.
  const sealed = await joined(blobs.get(blob, opener.ciphertextRange(range)))
  return opener.bytes(range, sealed)
}

function streamed(blobs: ReadableBlobs, blob: BlobId, opener: PartOpener, range: ByteRange): AsyncGenerator<Buffer> {
  // Whole segments, so that the store may fill the same memory again.
  const chunkBytes = SEGMENTS_PER_READ * opener.sealedSegmentBytes
  return opener.unseal(range, blobs.get(blob, { ...opener.ciphertextRange(range), chunkBytes, reuse: true }))
}

/** One segment in memory and no file open in between, until reading ahead is possible. */
async function* bySegment(
  { blobs, readAhead }: Pick<Engine, 'readAhead'> & { readonly blobs: ReadableBlobs },
  blob: BlobId,
  opener: PartOpener,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  const segmentBytes = opener.sealedSegmentBytes - TAG_SIZE
  for (let start = range.start; start < range.end; ) {
    using ahead = readAhead.take()
    if (ahead) {
      yield* streamed(blobs, blob, opener, { start, end: range.end })
      return
    }
    const end = Math.min(range.end, start - (start % segmentBytes) + segmentBytes)
    yield* await readSegment(blobs, blob, opener, { start, end })
    start = end
  }
}

async function joined(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

async function* undamaged(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes
  } catch (error) {
    throw asDamage(error)
  }
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
