import { piecewise } from '../base/streams.ts'
import type { LayerKeys } from '../envelope/layers.ts'
import { HEADER_SIZE, SEGMENT_SIZE, TAG_SIZE } from '../envelope/segment.ts'
import { type PartOpener, type ProvenPart, partOpener, provenPart } from '../envelope/unseal.ts'
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
import { keepPart, openedManifest, openedPart } from './opened-content.ts'
import { type ReadableBlobs, withoutOuterLayer } from './outer-layer.ts'
import { blobOfPart } from './part-blob.ts'
import { permitVersion } from './permit-version.ts'
import type { ObjectRecord } from './records.ts'
import { openSealedReplica } from './replication/open-sealed.ts'
import { sealedReplicaOf } from './replication/seal-out.ts'
import type { SealedReplica } from './replication/sealed-format.ts'
import { tagsOf } from './seal-properties.ts'
import { type PermitWatch, permissionWatch, watchPermit, whilePermitted } from './while-permitted.ts'

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
  /** The same in one piece, for at most 64 KiB of one part; undefined for more. */
  readonly readAtOnce: (range: ByteRange) => Promise<Buffer | undefined>
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
  const stored = await damaged(() => openedManifest(engine.blobs, content.dek, envelope, record.manifest))
  if (!foreign && stored.sizeBytes !== record.sizeBytes)
    throw new ObjectsError('ObjectDamaged', 'sizes of record and manifest differ')
  const readable = { bucket, key, record, keys: content, manifest: stored }
  const readStored = (range: ByteRange) => piecewise(readRange(engine, readable, range))
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
    readAtOnce: async (range) => {
      if (replica) return undefined
      const bytes = await readAtOnce(engine, readable, range)
      await permissionWatch({ clock: engine.clock, ask, askedAtMs: openedAtMs })()
      return bytes
    },
    [Symbol.dispose]: () => held.dispose(),
  }
}

async function identified(engine: Engine, target: VersionTarget) {
  const found = await findObject(engine, target)
  return { ...found, blobId: found.record.blobId }
}

/** An object version, and the keys that it was opened with. */
interface Readable {
  readonly bucket: Bucket
  readonly key: string
  readonly record: ObjectRecord
  readonly keys: LayerKeys
  readonly manifest: Manifest
}

async function* readRange(engine: Engine, object: Readable, range: ByteRange): AsyncGenerator<readonly Buffer[]> {
  for (const { part, within } of partsOf(object.manifest, range)) {
    const blob = await blobOfPart(engine, object.record, part)
    yield* readPart(engine, storedPart(engine, object, part, blob), within)
  }
}

/** Undefined when it is longer than a segment, or in more than one part. */
async function readAtOnce(engine: Engine, object: Readable, range: ByteRange): Promise<Buffer | undefined> {
  if (range.end - range.start > SEGMENT_SIZE) return undefined
  const [only, another] = [...partsOf(object.manifest, range)]
  if (!only || another) return undefined
  const blob = await blobOfPart(engine, object.record, only.part)
  const pieces = await readSmall(storedPart(engine, object, only.part, blob), only.within)
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
}

/** The parts that a range lies in, and where in each. */
function* partsOf(
  { parts, sizeBytes }: Manifest,
  range: ByteRange,
): Generator<{ readonly part: ManifestPart; readonly within: ByteRange }> {
  let offset = 0
  for (const part of parts) {
    const start = Math.max(range.start - offset, 0)
    const end = Math.min(range.end - offset, part.sizeBytes)
    offset += part.sizeBytes
    // An empty object still has one segment, and its tag is verified.
    if (start < end || sizeBytes === 0) yield { part, within: { start, end } }
  }
}

/** Where a part lies, and what opens it. */
interface StoredPart {
  readonly blobs: ReadableBlobs
  readonly blob: BlobId
  readonly part: ManifestPart
  /** Of the same part, in this life of its DEK in the cache. */
  readonly known: () => PartOpener | undefined
  readonly open: (header: Buffer, storedBytes: number) => PartOpener
}

function storedPart(
  engine: Engine,
  { bucket, key, record, keys }: Readable,
  part: ManifestPart,
  blob: BlobId,
): StoredPart {
  const identity = { bucketId: bucket.id, key, blobId: record.blobId, partNumber: part.number }
  const { dek, outer } = keys
  const prove = (header: Buffer, storedBytes: number): ProvenPart =>
    provenPart(dek, identity, part.salt, part.sizeBytes, header, storedBytes)
  if (outer) {
    const blobs = withoutOuterLayer(engine.blobs, outer, identity, part)
    return { blobs, blob, part, known: () => undefined, open: (...stored) => partOpener(prove(...stored)) }
  }
  const open = (header: Buffer, storedBytes: number): PartOpener => {
    const proven = prove(header, storedBytes)
    keepPart(dek, blob, proven)
    return partOpener(proven)
  }
  return { blobs: engine.blobs, blob, part, known: () => openedPart(dek, blob), open }
}

async function lengthOf({ blobs, blob, part }: StoredPart): Promise<number> {
  const info = await blobs.stat(blob)
  if (!info) throw new ObjectsError('ObjectDamaged', 'a part is missing', { details: { part: part.number } })
  return info.lengthBytes
}

async function openedByHeader({ blobs, blob, open }: StoredPart, lengthBytes: number): Promise<PartOpener> {
  const header = await joined(blobs.get(blob, { start: 0, end: Math.min(HEADER_SIZE, lengthBytes) }))
  return open(header, lengthBytes)
}

async function* readPart(engine: Engine, stored: StoredPart, range: ByteRange): AsyncGenerator<readonly Buffer[]> {
  const { part, blobs, blob } = stored
  if (Math.floor(range.start / SEGMENT_SIZE) === Math.floor(Math.max(range.end - 1, 0) / SEGMENT_SIZE)) {
    yield await readSmall(stored, range)
    return
  }
  try {
    using ahead = engine.readAhead.take()
    const known = stored.known()
    const lengthBytes = known ? 0 : await lengthOf(stored)
    if (!known && ahead && part.sizeBytes <= WHOLE_BYTES && lengthBytes <= 2 * WHOLE_BYTES) {
      yield await readWhole(stored, lengthBytes, range)
      return
    }
    using opener = known ?? (await openedByHeader(stored, lengthBytes))
    if (ahead) yield* streamed(blobs, blob, opener, range)
    else yield* bySegment({ blobs, readAhead: engine.readAhead }, blob, opener, range)
  } catch (error) {
    throw asDamage(error)
  }
}

/** At most a segment's length, at once: one read for a part that is known, two for a small one. */
async function readSmall(stored: StoredPart, range: ByteRange): Promise<Buffer[]> {
  const { part, blobs, blob } = stored
  try {
    using known = stored.known()
    if (known) return await readSegments(blobs, blob, known, range)
    const lengthBytes = await lengthOf(stored)
    if (part.sizeBytes <= SEGMENT_SIZE && lengthBytes <= 2 * WHOLE_BYTES) {
      return await readWhole(stored, lengthBytes, range)
    }
    using opener = await openedByHeader(stored, lengthBytes)
    return await readSegments(blobs, blob, opener, range)
  } catch (error) {
    throw asDamage(error)
  }
}

// What is read in a function of its own is not held while its plaintext waits for a slow client.
async function readWhole({ blobs, blob, open }: StoredPart, lengthBytes: number, range: ByteRange): Promise<Buffer[]> {
  const stored = await joined(blobs.get(blob, { start: 0, end: lengthBytes }))
  using opener = open(stored.subarray(0, HEADER_SIZE), stored.length)
  const sealed = opener.ciphertextRange(range)
  return opener.bytes(range, stored.subarray(sealed.start, sealed.end))
}

/** The plaintext of a range within few segments. */
async function readSegments(
  blobs: ReadableBlobs,
  blob: BlobId,
  opener: PartOpener,
  range: ByteRange,
): Promise<Buffer[]> {
  // Whole, however it is cut: an outer layer has segments of its own.
  const sealed = await joined(blobs.get(blob, opener.ciphertextRange(range)))
  return opener.bytes(range, sealed)
}

function streamed(
  blobs: ReadableBlobs,
  blob: BlobId,
  opener: PartOpener,
  range: ByteRange,
): AsyncGenerator<readonly Buffer[]> {
  // Whole segments, so that the store may fill the same memory again.
  const chunkBytes = SEGMENTS_PER_READ * opener.sealedSegmentBytes
  return opener.unsealBatches(range, blobs.get(blob, { ...opener.ciphertextRange(range), chunkBytes, reuse: true }))
}

/** One segment in memory and no file open in between, until reading ahead is possible. */
async function* bySegment(
  { blobs, readAhead }: Pick<Engine, 'readAhead'> & { readonly blobs: ReadableBlobs },
  blob: BlobId,
  opener: PartOpener,
  range: ByteRange,
): AsyncGenerator<readonly Buffer[]> {
  const segmentBytes = opener.sealedSegmentBytes - TAG_SIZE
  for (let start = range.start; start < range.end; ) {
    using ahead = readAhead.take()
    if (ahead) {
      yield* streamed(blobs, blob, opener, { start, end: range.end })
      return
    }
    const end = Math.min(range.end, start - (start % segmentBytes) + segmentBytes)
    yield await readSegments(blobs, blob, opener, { start, end })
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
