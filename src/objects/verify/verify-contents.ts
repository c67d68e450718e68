import { uuidFromBytes } from '../../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, Space } from '../../storage/metadata/metadata-store.ts'
import type { Bucket, Buckets } from '../buckets.ts'
import { findVersion } from '../find-version.ts'
import { headKey, keyOfVersion, rowsUnder, SPACE, splitUploadKey, splitVersionKey } from '../keyspace.ts'
import { decodeUpload, decodeVersion, isMarker, type UploadRecord, type VersionRecord } from '../records.ts'
import { idOfUnreadable } from '../version-id.ts'
import { checkObject } from './check-object.ts'
import { checkUpload } from './check-upload.ts'
import { type Checked, type Checking, isForged, type Subject } from './checking.ts'
import { adviseOn, type Finding, type Problem } from './finding.ts'

/** All rows up to `after` of `space`, and of the spaces before it, have been looked at. */
export interface VerifyCursor {
  readonly space: Space
  readonly after: Buffer
}

export interface VerifyCounts {
  objects: number
  deleteMarkers: number
  uploads: number
  /** Plaintext bytes of the objects whose content was opened. */
  bytes: number
  /** Object versions and uploads that could not be opened now, by the reason. Nothing says that they are damaged. */
  readonly closed: Record<string, number>
}

export const noCounts = (): VerifyCounts => ({ objects: 0, deleteMarkers: 0, uploads: 0, bytes: 0, closed: {} })

export interface VerifyContents {
  readonly checking: Checking
  readonly buckets: Pick<Buckets, 'all' | 'damaged'>
  readonly counts: VerifyCounts
  readonly from?: VerifyCursor | undefined
  /** Rows whose key begins so, alone. */
  readonly under?: Buffer
  readonly signal: AbortSignal
  readonly onFinding: (finding: Finding) => void
  /** Its content could not be opened now: what was known of it holds. */
  readonly onClosed?: (subject: Subject) => void
  /** All rows up to there are dealt with, and what was found there was told. */
  readonly onProgress: (cursor: VerifyCursor) => Promise<void> | void
}

/** In the order of the walk. A version goes from the first to the second, seldom back. */
export const CONTENT_SPACES: readonly Space[] = [SPACE.head, SPACE.version, SPACE.upload]
const PAGE = 100
/** Each but the first means that the row changed while what it names was looked at. */
const MAX_ATTEMPTS = 20

/**
 * Looks at every object version and every upload with all that belongs to it. Others may write meanwhile: what is wrong is
 * told only if it is wrong a second time, and its row the same. False when it was aborted.
 */
export async function verifyContents(work: VerifyContents): Promise<boolean> {
  const { checking, from, under, signal, onProgress } = work
  const { gte: start, lt } = rowsUnder(under ?? Buffer.alloc(0))
  const walk = walker(work)
  const first = from ? CONTENT_SPACES.indexOf(from.space) : 0
  for (const space of CONTENT_SPACES.slice(Math.max(first, 0))) {
    let gte: Buffer = from?.space === space ? behind(from.after) : start
    for (;;) {
      const rows = await rangeWithDamaged(checking.metadata, space, { gte, lt, limit: PAGE })
      for (const row of rows) {
        if (signal.aborted) return false
        try {
          await walk(space, row)
        } catch (error) {
          if (signal.aborted) return false
          throw error
        }
        await onProgress({ space, after: row.key })
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      gte = behind(last.key)
    }
  }
  return true
}

const behind = (key: Buffer): Buffer => Buffer.concat([key, Buffer.of(0)])

function walker({ checking, buckets, counts, onFinding, onClosed }: VerifyContents) {
  const { metadata } = checking
  const unknownBuckets = new Set<string>()
  const tell = (problems: readonly Problem[]): void => {
    for (const problem of problems) onFinding(adviseOn(problem))
  }
  let byId = new Map<string, Bucket>()
  const bucketOf = (row: Buffer): Bucket | string => {
    const id = uuidFromBytes(row.subarray(0, 16))
    if (!byId.has(id)) byId = new Map(buckets.all().map((bucket) => [bucket.id, bucket]))
    return byId.get(id) ?? id
  }
  const isStill = async (space: Space, { key, token }: Entry | DamagedRow): Promise<boolean> => {
    const [now] = await rangeWithDamaged(metadata, space, { gte: key, lt: behind(key), limit: 1 })
    return now?.token === token
  }

  const unreadable = async (space: Space, row: Entry | DamagedRow, bucket: Bucket | string): Promise<void> => {
    if (!(await isStill(space, row))) return
    const name = typeof bucket === 'string' ? bucket : bucket.name
    tell([{ ...recordDamage(space, row.key, name) }])
  }

  const looked = async (space: Space, subject: Subject, record: VersionRecord | UploadRecord): Promise<Checked> => {
    if (!('versionId' in record)) return checkUpload(checking, subject, record)
    if (isMarker(record)) return { problems: [] }
    const { problems, ...rest } = await checkObject(checking, subject, record)
    const lost = space === SPACE.version ? await historyLost(subject) : []
    return { ...rest, problems: [...problems, ...lost] }
  }
  const historyLost = async (subject: Subject): Promise<Problem[]> => {
    const row = headKey(subject.bucket.id, subject.key)
    const [history] = await rangeWithDamaged(metadata, SPACE.history, { gte: row, lt: behind(row), limit: 1 })
    if (history && !('damage' in history)) return []
    const damage = history ? 'the history of its key does not authenticate' : 'its key has no history'
    return [{ kind: 'history-wrong', bucket: subject.bucket.name, key: subject.key, damage }]
  }

  return async (firstSpace: Space, firstRow: Entry | DamagedRow): Promise<void> => {
    let [space, row] = [firstSpace, firstRow]
    let suspected = false
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const bucket = bucketOf(row.key)
      const record = 'damage' in row ? undefined : recordOf(space, row)
      if ('damage' in row || !record) return unreadable(space, row, bucket)
      if (typeof bucket === 'string') {
        if (unknownBuckets.has(bucket) || !(await isStill(space, row))) return
        unknownBuckets.add(bucket)
        const lost = buckets.damaged().length > 0 ? 'its record is damaged' : 'there is no record of it'
        const damage = `rows of a bucket are here, and ${lost}: what they name was not looked at`
        return tell([{ kind: 'bucket-missing', bucket, damage }])
      }
      const subject = subjectOf(space, bucket, row.key, record)
      const { problems, closed } = await looked(space, subject, record)
      const still = problems.length === 0 || (await isStill(space, row))
      if (still && (problems.length === 0 || suspected)) {
        count(counts, record, closed)
        if (closed !== undefined) onClosed?.(subject)
        return tell(problems)
      }
      // Once more: parts and owners have rows of their own, which may have been read at different times.
      suspected = still
      if (still) continue
      const moved = await nowOf(subject, record)
      if (!moved) return
      ;({ space, row } = moved)
    }
  }

  /** Where what was looked at lies by now. Undefined: it is gone, or will be met where it lies now. */
  async function nowOf(
    { bucket, key, versionId }: Subject,
    record: VersionRecord | UploadRecord,
  ): Promise<{ readonly space: Space; readonly row: Entry } | undefined> {
    if (!('blobId' in record)) return undefined
    const now = await findVersion({ metadata }, { bucket, key, versionId }).catch((error: unknown) => {
      if (isForged(error)) return undefined
      throw error
    })
    if (!now || isMarker(now.record) || !now.record.blobId.equals(record.blobId)) return undefined
    return { space: now.space, row: now.row }
  }
}

function recordOf(space: Space, { value }: Entry): VersionRecord | UploadRecord | undefined {
  try {
    return space === SPACE.upload ? decodeUpload(value) : decodeVersion(value)
  } catch (error) {
    if (isForged(error)) return undefined
    throw error
  }
}

function subjectOf(space: Space, bucket: Bucket, row: Buffer, record: VersionRecord | UploadRecord): Subject {
  if ('versionId' in record) return { bucket, key: keyOfVersion(space, row), versionId: record.versionId }
  const { key, uploadId } = splitUploadKey(row)
  return { bucket, key, uploadId: uploadId.toString('hex') }
}

function count(counts: VerifyCounts, record: VersionRecord | UploadRecord, closed: string | undefined): void {
  if (!('versionId' in record)) counts.uploads++
  else if (isMarker(record)) counts.deleteMarkers++
  else {
    counts.objects++
    if (closed === undefined) counts.bytes += record.sizeBytes
  }
  if (closed !== undefined) counts.closed[closed] = (counts.closed[closed] ?? 0) + 1
}

function recordDamage(space: Space, row: Buffer, bucket: string): Problem {
  const kind = 'record-damaged'
  if (space === SPACE.upload) {
    const { key, uploadId } = splitUploadKey(row)
    return { kind, bucket, key, uploadId: uploadId.toString('hex'), damage: 'the record of the upload cannot be read' }
  }
  const damage = 'the record of the version cannot be read'
  if (space === SPACE.head) return { kind, bucket, key: keyOfVersion(space, row), damage }
  const { key, order } = splitVersionKey(row)
  return { kind, bucket, key, versionId: idOfUnreadable(order), damage }
}
