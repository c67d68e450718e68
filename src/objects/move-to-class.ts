import { hasCode } from '../base/errors.ts'
import type { BlobId, BlobStoreErrorCode } from '../storage/blob/blob-store.ts'
import type { Entry, Space, Write } from '../storage/metadata/metadata-store.ts'
import type { Bucket } from './buckets.ts'
import { commitOrLeave, currentBucket } from './commit-version.ts'
import type { Draft } from './drafts.ts'
import { type Engine, encodeOwner } from './engine.ts'
import type { FoundVersion } from './find-version.ts'
import { blobKey, headKey, keyOfVersion, partKey, rowsUnder, SPACE } from './keyspace.ts'
import { decodePart, encodeObject, encodePart, type ObjectRecord } from './records.ts'

/** Bytes that are sealed are moved as they are. */
const CHUNK_BYTES = 256 * 1024
/** Rows of parts in a commit, with their blobs and what they leave behind. */
const PARTS_AT_A_TIME = 100
export const STANDARD = 'STANDARD'

export interface MoveOptions {
  /** Further writes of the commit. */
  readonly also?: readonly Write[]
  /** Aborted: gives up, with its reason, and leaves everything where it is. */
  readonly signal?: AbortSignal
  /** Asked right before each commit: false gives up. */
  readonly still?: () => boolean
}

/**
 * Puts an object version into the store of a class, without any key: neither its date nor its ETag changes, and whoever
 * reads it meanwhile reads on. False when it was written, moved or deleted meanwhile, or given up. Parts that were moved stay moved.
 */
export async function moveToClass(
  engine: Engine,
  bucket: Bucket,
  found: FoundVersion<ObjectRecord>,
  storageClass: string,
  { also = [], signal, still = () => true }: MoveOptions = {},
): Promise<boolean> {
  const { space, row, record } = found
  const to = storageClass === STANDARD ? undefined : storageClass
  if ('partCount' in record.data && !(await moveParts(engine, found, to, signal, still))) return false
  await using draft = engine.drafts.begin(to)
  const moved: Moved[] = []
  const take = async (blob: BlobId): Promise<BlobId | undefined> => {
    if (engine.blobs.isIn(blob, to)) return blob
    const copy = await copiedWhileNamed(engine, draft, blob, { space, row }, signal)
    if (copy !== undefined) moved.push({ from: blob, to: copy })
    return copy
  }
  const dataBlob = 'blob' in record.data ? await take(record.data.blob) : undefined
  if ('blob' in record.data && dataBlob === undefined) return false
  const manifestBlob = 'blob' in record.manifest ? await take(record.manifest.blob) : undefined
  if ('blob' in record.manifest && manifestBlob === undefined) return false
  const data = dataBlob === undefined ? record.data : { blob: dataBlob }
  const manifest = manifestBlob === undefined ? record.manifest : { blob: manifestBlob }
  const { storageClass: _, ...others } = record.properties
  const properties = to === undefined ? others : { ...others, storageClass: to }
  const value = encodeObject({ ...record, data, manifest, properties })
  if (!still()) return false
  const committed = await commitOrLeave(engine, draft, [
    engine.buckets.fence(currentBucket(engine, bucket)),
    { type: 'put', space, key: row.key, value, if: row.token },
    // Owners are known by the key, whichever version of it they are.
    ...movedWrites(engine, moved, { space: SPACE.head, key: headKey(bucket.id, keyOfVersion(space, row.key)) }, record),
    ...also,
  ])
  if (committed) settle(engine, draft, moved)
  return committed
}

interface Moved {
  readonly from: BlobId
  readonly to: BlobId
}

/** The same bytes in the store that the draft is of. */
export async function copied(engine: Engine, draft: Draft, blob: BlobId, signal?: AbortSignal): Promise<BlobId> {
  const info = await engine.blobs.stat(blob)
  const lengthBytes = info?.lengthBytes ?? 0
  // What is missing is told by reading it.
  const bytes = engine.blobs.get(blob, { start: 0, end: lengthBytes || 1, chunkBytes: CHUNK_BYTES })
  return (await draft.put(untilAborted(bytes, signal), lengthBytes)).id
}

/** Undefined when the row changed meanwhile: nothing keeps the collector from removing what it named before. */
async function copiedWhileNamed(
  engine: Engine,
  draft: Draft,
  blob: BlobId,
  { space, row }: { readonly space: Space; readonly row: Entry },
  signal: AbortSignal | undefined,
): Promise<BlobId | undefined> {
  try {
    return await copied(engine, draft, blob, signal)
  } catch (error) {
    if (!hasCode<BlobStoreErrorCode>(error, 'BlobMissing', 'BlobTorn')) throw error
    // It removes bytes first, and then the row of a part that was not listed.
    await engine.garbage.settled()
    if ((await engine.metadata.get(space, row.key))?.token === row.token) throw error
    return undefined
  }
}

async function* untilAborted(bytes: AsyncIterable<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    signal?.throwIfAborted()
    yield chunk
  }
}

/** The blobs that are named now, and those that are not any more: readers of the envelope are waited for. */
function movedWrites(
  { garbage }: Engine,
  moved: readonly Moved[],
  owner: Parameters<typeof encodeOwner>[0],
  { blobId }: ObjectRecord,
): Write[] {
  if (moved.length === 0) return []
  const named = moved.map(
    ({ to }): Write => ({ type: 'put', space: SPACE.blob, key: blobKey(to), value: encodeOwner(owner), if: null }),
  )
  return [...named, garbage.entry({ blobs: moved.map(({ from }) => from), blobId: blobId.toString('hex') })]
}

function settle({ garbage }: Engine, draft: Draft, moved: readonly Moved[]): void {
  draft.keep()
  if (moved.length > 0) garbage.collect()
}

/** Each part has a row, which alone says where its bytes are. */
async function moveParts(
  engine: Engine,
  { space, row, record }: FoundVersion<ObjectRecord>,
  to: string | undefined,
  signal: AbortSignal | undefined,
  mayGoOn: () => boolean,
): Promise<boolean> {
  const { lt } = rowsUnder(record.blobId)
  let gte = partKey(record.blobId, 0)
  for (;;) {
    const rows = await engine.metadata.range(SPACE.part, { gte, lt, limit: PARTS_AT_A_TIME })
    await using draft = engine.drafts.begin(to)
    const writes: Write[] = []
    const moved: Moved[] = []
    for (const part of rows) {
      const { blob, ...rest } = decodePart(part.value)
      if (engine.blobs.isIn(blob, to)) continue
      const copy = await copiedWhileNamed(engine, draft, blob, { space: SPACE.part, row: part }, signal)
      if (copy === undefined) {
        // One that was never the object's, or the object is gone. Else it was moved.
        if (await engine.metadata.get(SPACE.part, part.key)) return false
        continue
      }
      const move = { from: blob, to: copy }
      moved.push(move)
      const value = encodePart({ ...rest, blob: copy })
      writes.push(
        { type: 'put', space: SPACE.part, key: part.key, value, if: part.token },
        ...movedWrites(engine, [move], { space: SPACE.part, key: part.key }, record),
      )
    }
    if (writes.length > 0) {
      const check: Write = { type: 'check', space, key: row.key, if: row.token }
      if (!mayGoOn() || !(await commitOrLeave(engine, draft, [check, ...writes]))) return false
      settle(engine, draft, moved)
    }
    const last = rows.at(-1)
    if (rows.length < PARTS_AT_A_TIME || !last) return true
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}
