import type { BlobId } from '../storage/blob/blob-store.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import { permittedBody, writeBody } from './body-writer.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { commitOrLeave } from './commit-version.ts'
import { type ManifestPart, type Summary, sealSummary } from './content.ts'
import type { NewContentKeys } from './content-keys.ts'
import type { Draft } from './drafts.ts'
import { type Engine, encodeOwner } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { blobKey, partKey, SPACE } from './keyspace.ts'
import type { OpenObject } from './open-object.ts'
import { encodePart, type ObjectRecord, type PartRecord } from './records.ts'
import { storeManifest } from './seal-manifest.ts'

/** An object version whose content is sealed anew, part by part. */
export interface Resealing {
  readonly object: OpenObject
  readonly record: ObjectRecord
  /** As it was when the new DEK was wrapped. */
  readonly bucket: Bucket
  /** What it is to be called. */
  readonly key: string
  /** Of the new envelope. */
  readonly blobId: Buffer
  readonly content: NewContentKeys
  /** May the new key wrap, still? */
  readonly ask: () => Promise<void>
  /** Told of the plaintext as it passes; throws to give up. */
  readonly passing?: (bytes: number) => void
}

/** What is written of it, beside its record. */
export interface Resealed extends AsyncDisposable {
  readonly members: Pick<ObjectRecord, 'blobId' | 'sealing' | 'summary' | 'manifest' | 'data'>
  /** Belong into the commit that names the object, whose head has this row key. */
  readonly writes: (head: Buffer) => Write[]
}

interface CopiedPart {
  readonly part: ManifestPart
  readonly record: Omit<PartRecord, 'summary'>
  readonly summary: Summary
}

/** All that a client sees of it stays. The bytes are in the draft's store. Throws ConditionalRequestConflict. */
export async function reseal(engine: Engine, keys: BucketKeys, draft: Draft, resealing: Resealing): Promise<Resealed> {
  const { object, record, bucket, key, blobId, content } = resealing
  const { manifest } = object
  const parts = await copyParts(engine, draft, resealing)
  using cipher = await keys.summaryCipher(bucket)
  const seal: SealSummary = (number, summary) => sealSummary(cipher, bucket, key, blobId, number, summary)
  const envelope = { bucket, key, versionId: record.versionId, blobId }
  const sealed = await storeManifest(draft, content.dek, envelope, {
    ...manifest,
    parts: parts.map(({ part }) => part),
  })
  const { etag, checksum } = manifest
  const summary = seal(0, checksum ? { etag, checksum } : { etag })
  const [only] = parts
  const isPlain = 'blob' in record.data && only !== undefined
  const staged = await stageParts(engine, draft, blobId, isPlain ? [] : parts, seal)
  const left = staged.left.flatMap((part) => partWrites(blobId, part, seal))
  return {
    members: {
      ...{ blobId, summary, manifest: sealed, sealing: { ...record.sealing, ...content.sealing } },
      data: isPlain ? { blob: only.record.blob } : { partCount: parts.length },
    },
    writes: (head) => [
      ...(isPlain ? [owned(only.record.blob, SPACE.head, head)] : left),
      ...staged.writes,
      ...('blob' in sealed ? [owned(sealed.blob, SPACE.head, head)] : []),
    ],
    [Symbol.asyncDispose]: () => staged[Symbol.asyncDispose](),
  }
}

async function copyParts(
  engine: Engine,
  draft: Draft,
  { object, record, bucket, key, blobId, content, ask, passing }: Resealing,
): Promise<CopiedPart[]> {
  const copies: CopiedPart[] = []
  let start = 0
  for (const part of object.manifest.parts) {
    const end = start + part.sizeBytes
    const identity = { bucketId: bucket.id, key, blobId, partNumber: part.number }
    const read = object.read({ start, end })
    const stream = passing ? told(read, passing) : read
    const body = permittedBody(engine, ask, { stream, lengthBytes: part.sizeBytes })
    const { blob, partSalt, md5, sizeBytes } = await writeBody(draft, content, identity, body)
    if (sizeBytes !== part.sizeBytes)
      throw new ObjectsError('ObjectDamaged', 'a part is shorter than its manifest says')
    copies.push({
      part: { ...part, salt: partSalt },
      record: { sizeBytes, modifiedAtMs: record.modifiedAtMs, blob, partSalt },
      summary: { etag: md5.toString('hex') },
    })
    start = end
  }
  await ask()
  return copies
}

async function* told(stream: AsyncIterable<Buffer>, passing: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    passing(chunk.length)
    yield chunk
  }
}

interface StagedParts extends AsyncDisposable {
  /** Those whose rows belong into the commit that names the object. */
  readonly left: readonly CopiedPart[]
  readonly writes: readonly Write[]
}

/** A commit has 500 writes, and a part takes two. */
const PARTS_PER_COMMIT = 100

/**
 * Writes the rows of all but so many parts ahead. Until the commit that names the object takes it back, a row for the
 * collector says that they are to be removed, also after a crash; it waits while they are held here.
 */
async function stageParts(
  engine: Engine,
  draft: Draft,
  blobId: Buffer,
  parts: readonly CopiedPart[],
  seal: SealSummary,
): Promise<StagedParts> {
  const ahead = Math.max(parts.length - PARTS_PER_COMMIT, 0)
  if (ahead === 0) return { left: parts, writes: [], [Symbol.asyncDispose]: async () => {} }
  const { garbage } = engine
  const name = blobId.toString('hex')
  const held = await garbage.pin(async () => ({ blobId }))
  const doomed = garbage.entry({ blobs: [], blobId: name, upload: { uploadId: name } })
  const end = async (): Promise<void> => {
    held[Symbol.dispose]()
    garbage.collect()
  }
  try {
    for (let at = 0; at < ahead; at += PARTS_PER_COMMIT) {
      const some = parts.slice(at, Math.min(at + PARTS_PER_COMMIT, ahead))
      const rows = some.flatMap((part) => partWrites(blobId, part, seal))
      if (!(await commitOrLeave(engine, draft, at === 0 ? [doomed, ...rows] : rows))) throw changed()
    }
  } catch (error) {
    await end()
    throw error
  }
  const writes: Write[] = [{ type: 'delete', space: SPACE.garbage, key: doomed.key }]
  return { left: parts.slice(ahead), writes, [Symbol.asyncDispose]: end }
}

type SealSummary = (part: number, summary: Summary) => Buffer

function partWrites(envelope: Buffer, { part, record, summary }: CopiedPart, seal: SealSummary): Write[] {
  const key = partKey(envelope, part.number)
  const value = encodePart({ ...record, summary: seal(part.number, summary) })
  return [{ type: 'put', space: SPACE.part, key, value, if: null }, owned(record.blob, SPACE.part, key)]
}

const owned = (blob: BlobId, space: number, key: Buffer): Write => ({
  type: 'put',
  space: SPACE.blob,
  key: blobKey(blob),
  value: encodeOwner({ space, key }),
  if: null,
})

const changed = (): ObjectsError =>
  new ObjectsError('ConditionalRequestConflict', 'The object was changed while it was sealed anew.')
