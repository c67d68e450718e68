import type { ErrorDetails } from '../base/errors.ts'
import type { Entry } from '../storage/metadata/metadata-store.ts'
import type { Bucket } from './buckets.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { type History, readHistory } from './key-versions.ts'
import { headKey, SPACE, versionKey } from './keyspace.ts'
import { type DeleteMarker, decodeVersion, isMarker, knownObjectRecord, type ObjectRecord } from './records.ts'
import { NULL_VERSION, orderOf } from './version-id.ts'

/** A version and where it lies; another write of the key may take it elsewhere, with another token. */
export interface FoundVersion<Record = ObjectRecord | DeleteMarker> {
  readonly space: typeof SPACE.head | typeof SPACE.version
  readonly row: Entry
  readonly record: Record
}

export interface VersionTarget {
  readonly bucket: Bucket
  readonly key: string
  /** Default: the current version. */
  readonly versionId?: string | undefined
}

/** Whoever is let in to one version is not let in to another that is put in its place. */
export interface ChangeTarget extends VersionTarget {
  /**
   * Asked with the blob id of the version that would be changed, undefined for none, right before it is. False looks for it
   * again, and it may throw.
   */
  readonly confirm?: ((blobId: Buffer | undefined) => Promise<boolean>) | undefined
}

export const isConfirmed = async (
  { confirm }: Pick<ChangeTarget, 'confirm'>,
  record: Pick<ObjectRecord, 'blobId'> | undefined,
): Promise<boolean> => (await confirm?.(record?.blobId)) ?? true

interface Reading {
  readonly metadata: Pick<Engine['metadata'], 'get' | 'range'>
}

/** Each but the first means that the key changed between two looks. */
const MAX_ATTEMPTS = 100

/** Undefined when there is no such version. The current one may be a delete marker. */
export async function findVersion({ metadata }: Reading, target: VersionTarget): Promise<FoundVersion | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const state = await look(metadata, target)
    if (state.found) return state.found
    // What goes from one place to the other while both are looked at would be seen in neither, but it changes their tokens.
    const again = await look(metadata, target)
    if (again.found) return again.found
    if (!again.torn && again.head === state.head && again.history === state.history) return undefined
  }
  throw new ObjectsError('ObjectDamaged', 'the history of a key names a version that there is not')
}

/** Where a version may lie, one place after the other; the tokens of what was looked at. */
async function look(metadata: Reading['metadata'], { bucket, key, versionId }: VersionTarget) {
  const head = await metadata.get(SPACE.head, headKey(bucket.id, key))
  if (head) {
    const record = knownObjectRecord(head.value)
    if (versionId === undefined || versionId === record.versionId) {
      return { found: { space: SPACE.head, row: head, record } as const }
    }
  }
  const history = await readHistory(metadata, bucket, key)
  const tokens = { head: head?.token, history: history?.token }
  const order = versionId === undefined ? history?.newest : (orderOf(versionId) ?? orderOfNull(versionId, history))
  const row = order === undefined ? undefined : await metadata.get(SPACE.version, versionKey(bucket.id, key, order))
  if (!row) return { ...tokens, torn: order !== undefined && orderOf(versionId ?? '') === undefined }
  const record = decodeVersion(row.value)
  // The newest of the rows is current only while it is a delete marker.
  if (versionId === undefined ? isMarker(record) : record.versionId === versionId) {
    return { found: { space: SPACE.version, row, record } as const }
  }
  return { ...tokens, torn: versionId === undefined }
}

const orderOfNull = (versionId: string, history: History | undefined): bigint | undefined =>
  versionId === NULL_VERSION ? history?.nullOrder : undefined

/** Throws NoSuchKey and NoSuchVersion, and DeleteMarker for one that was named by its id. */
export async function findObject(engine: Reading, target: VersionTarget): Promise<FoundVersion<ObjectRecord>> {
  return objectIn(await findVersion(engine, target), target)
}

export function objectIn(
  found: FoundVersion | undefined,
  { key, versionId }: VersionTarget,
): FoundVersion<ObjectRecord> {
  if (!found && versionId === undefined) throw noSuchKey(key, { deleteMarker: false })
  if (!found) {
    throw new ObjectsError('NoSuchVersion', 'The specified version does not exist.', { details: { key, versionId } })
  }
  const { record } = found
  if (!isMarker(record)) return { ...found, record }
  const marker = { markerVersionId: record.versionId, markerTimeMs: record.modifiedAtMs }
  if (versionId === undefined) throw noSuchKey(key, marker)
  throw new ObjectsError('DeleteMarker', 'The version is a delete marker.', { details: marker })
}

const noSuchKey = (key: string, marker: ErrorDetails): ObjectsError =>
  new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key, ...marker } })
