import type { Dek } from '../../envelope/dek.ts'
import { openManifest } from '../../envelope/manifest.ts'
import { openPart } from '../../envelope/seal.ts'
import { HEADER_SIZE } from '../../envelope/segment.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { ByteRange } from '../byte-range.ts'
import { type Manifest, manifestFromJson } from '../content.ts'
import { ObjectsError } from '../errors.ts'
import type { BucketRecord, ObjectRecord } from '../records.ts'
import { type OpenedHeader, readSealedHeader, type SealedHeader } from './sealed-format.ts'

type Read = (range: ByteRange) => AsyncIterable<Buffer>

/** What a sealed replica holds, open. Dispose it. */
export interface OpenedReplica extends Disposable {
  readonly manifest: Manifest
  readonly read: Read
}

/**
 * Opens a sealed replica whose bytes `read` gives: under the root key that it came under, which must be the one of the
 * bucket that it is in, so that nobody has another's key open what he has brought. Throws ReplicaSealed when it is not, and
 * what unwrapping throws.
 */
export async function openSealedReplica(
  keys: BucketKeys,
  bucket: BucketRecord,
  key: string,
  record: ObjectRecord,
  read: Read,
  lengthBytes: number,
): Promise<OpenedReplica> {
  const opened = await readSealedHeader(read, lengthBytes)
  const { header } = opened
  if (header.dek.rootKeyCrn !== bucket.rootKeyCrn) {
    throw new ObjectsError(
      'ReplicaSealed',
      `The replica is sealed under the root key ${header.dek.rootKeyCrn}, which is not the one of its bucket.`,
    )
  }
  if (header.key !== key) throw damaged('it is of another object')
  const dek = await keys.unwrapForeign(bucket, key, header.dek)
  try {
    const { manifest, at } = await manifestOf(dek, opened, read)
    if (manifest.sizeBytes !== record.sizeBytes) throw damaged('sizes of record and manifest differ')
    return {
      manifest,
      read: (range) => readParts(dek, header, manifest, read, at, range),
      [Symbol.dispose]: () => dek[Symbol.dispose](),
    }
  } catch (error) {
    dek[Symbol.dispose]()
    throw error
  }
}

/** `at`: where the parts begin. */
async function manifestOf(dek: Dek, { header, bodyStart }: OpenedHeader, read: Read) {
  const { key, versionId } = header
  const { bucketId, blobId } = header.dek
  const at = bodyStart + header.manifest.lengthBytes
  const sealed = await whole(read({ start: bodyStart, end: at }))
  return { manifest: manifestFromJson(openManifest(dek, { bucketId, key, versionId, blobId }, sealed)), at }
}

async function* readParts(
  dek: Dek,
  { dek: { bucketId, blobId }, key, parts }: SealedHeader,
  manifest: Manifest,
  read: Read,
  at: number,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  let offset = 0
  let place = at
  for (const [index, part] of manifest.parts.entries()) {
    const stored = parts[index]
    if (stored?.number !== part.number) throw damaged('a part is missing')
    const begin = place
    const wanted = { start: Math.max(range.start - offset, 0), end: Math.min(range.end - offset, part.sizeBytes) }
    offset += part.sizeBytes
    place += stored.lengthBytes
    // An empty object still has one segment, and its tag is verified.
    if (wanted.start >= wanted.end && manifest.sizeBytes > 0) continue
    const header = await whole(read({ start: begin, end: begin + Math.min(HEADER_SIZE, stored.lengthBytes) }))
    const identity = { bucketId, key, blobId, partNumber: part.number }
    using opener = openPart(dek, identity, part.salt, part.sizeBytes, header, stored.lengthBytes)
    const sealed = opener.ciphertextRange(wanted)
    yield* opener.unseal(wanted, read({ start: begin + sealed.start, end: begin + sealed.end }))
  }
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

const damaged = (message: string): ObjectsError => new ObjectsError('ObjectDamaged', message)
