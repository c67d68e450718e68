import { successor } from '../base/bytes.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataSnapshot, Space } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import type { Engine } from './engine.ts'
import { behindVersions, decodeOrders } from './key-versions.ts'
import { headKey, keyOfVersion, rowsUnder, SPACE, versionKey } from './keyspace.ts'
import type { ListedRow, ListPage } from './listed-row.ts'
import { cipherUnlessLocked, FEW, type ListQuery, reportedPrefix } from './listing.ts'
import { decodeObject } from './records.ts'
import { type RowReader, rowReader } from './row-reader.ts'
import { NULL_VERSION, orderOf } from './version-id.ts'

export interface ListVersionsQuery extends Omit<ListQuery, 'after'> {
  readonly keyMarker: string
  /** '' for none: the page starts behind all versions of the marker's key. */
  readonly versionIdMarker: string
}

export interface ListedVersion extends ListedRow {
  readonly isLatest: boolean
}

export interface VersionsPage extends ListPage<ListedVersion> {
  /** The last of the page's versions; undefined when the page ends with a common prefix. */
  readonly lastVersionId: string | undefined
}

type Row = Entry | DamagedRow
type Reader = Pick<MetadataSnapshot, 'range'>

/** Keys in UTF-8 byte order, versions of a key from the newest on; all from one moment. */
export async function listVersions(engine: Engine, keys: BucketKeys, query: ListVersionsQuery): Promise<VersionsPage> {
  const { bucket, prefix, delimiter, limit } = query
  if (limit === 0) return { ...EMPTY, lastVersionId: undefined }
  using cipher = await cipherUnlessLocked(keys, bucket)
  await using snapshot = await engine.metadata.snapshot()
  const under = rowsUnder(headKey(bucket.id, prefix))
  const start = await startOf(snapshot, query)
  const whole = delimiter ? FEW : limit + 1
  const rows = rowReader(engine, bucket, cipher, 'a version of ')
  const heads = cursor(snapshot, rows, SPACE.head, later(start.heads, under.gte), under.lt, whole, limit + 1)
  const others = cursor(snapshot, rows, SPACE.version, later(start.others, under.gte), under.lt, whole, limit + 1)
  const items: ListedVersion[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  let lastVersionId: string | undefined
  /** The key whose current version is known to be another one than what comes. */
  let begun = start.begun
  for (;;) {
    if (heads.isUsedUp()) await heads.read()
    if (others.isUsedUp()) await others.read()
    const row = firstOf(heads.row(), others.row())
    if (!row) return { items, commonPrefixes, truncated: false, last, lastVersionId }
    if (items.length + commonPrefixes.length === limit) {
      return { items, commonPrefixes, truncated: true, last, lastVersionId }
    }
    const { space, key } = row
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1
    if (at >= 0) {
      last = key.slice(0, at + delimiter.length)
      lastVersionId = undefined
      commonPrefixes.push(last)
      const behind = successor(headKey(bucket.id, last)) ?? under.lt
      heads.seek(behind)
      others.seek(behind)
      continue
    }
    const version = { ...rows.read(space, row.row), isLatest: key !== begun }
    begun = key
    last = key
    lastVersionId = version.versionId
    items.push(version)
    if (space === SPACE.head) heads.next()
    else others.next()
  }
}

const EMPTY = { items: [], commonPrefixes: [], truncated: false, last: undefined }

interface Found {
  readonly space: typeof SPACE.head | typeof SPACE.version
  readonly key: string
  readonly row: Row
}

/** A head comes before the other versions of its key. */
function firstOf(head: Row | undefined, other: Row | undefined): Found | undefined {
  // A key holds no NUL, so the key's row and what follows it in the other space compare as the keys do.
  if (head && (!other || Buffer.compare(head.key, other.key) <= 0)) {
    return { space: SPACE.head, key: keyOfVersion(SPACE.head, head.key), row: head }
  }
  return other && { space: SPACE.version, key: keyOfVersion(SPACE.version, other.key), row: other }
}

interface Start {
  readonly heads: Buffer | undefined
  readonly others: Buffer | undefined
  readonly begun: string | undefined
}

/** Where the page begins in either space, behind the markers. */
async function startOf(snapshot: Reader, query: ListVersionsQuery): Promise<Start> {
  const { bucket, prefix, delimiter, keyMarker, versionIdMarker } = query
  if (!keyMarker) return { heads: undefined, others: undefined, begun: undefined }
  const reported = reportedPrefix(prefix, delimiter, keyMarker)
  if (reported !== undefined) {
    const behind = successor(headKey(bucket.id, reported))
    return { heads: behind, others: behind, begun: undefined }
  }
  const head = headKey(bucket.id, keyMarker)
  const behindHead = Buffer.concat([head, Buffer.from([0])])
  if (!versionIdMarker) return { heads: behindHead, others: behindVersions(bucket.id, keyMarker), begun: undefined }
  return within(snapshot, bucket, keyMarker, versionIdMarker)
}

/** Inside the versions of a key, behind one that may be gone by now. */
async function within(snapshot: Reader, bucket: Bucket, key: string, versionId: string): Promise<Start> {
  const row = headKey(bucket.id, key)
  const behindHead = Buffer.concat([row, Buffer.from([0])])
  const only = { gte: row, lt: behindHead, limit: 1 }
  const [head] = await rangeWithDamaged(snapshot, SPACE.head, only)
  const [history] = await snapshot.range(SPACE.history, only)
  const orders = history && decodeOrders(history.value)
  const ofHead = head && 'value' in head ? decodeObject(head.value).versionId : head && NULL_VERSION
  const order = versionId === NULL_VERSION ? orders?.nullOrder : orderOf(versionId)
  const first = versionKey(bucket.id, key, 2n ** 64n - 1n)
  if (versionId === ofHead) return { heads: behindHead, others: first, begun: key }
  // The null version was replaced or removed since: nobody knows where it was, and what comes twice is not missed.
  if (order === undefined) return { heads: row, others: first, begun: undefined }
  const others = Buffer.concat([versionKey(bucket.id, key, order), Buffer.from([0])])
  // What was newer than all others was the head then: what is the head now was behind it.
  const headOrder = ofHead === undefined ? undefined : orderOf(ofHead)
  const headIsBehind = headOrder === undefined ? order > (orders?.newest ?? 0n) : headOrder < order
  const newestIsBehind = !head && orders !== undefined && orders.newest < order
  return {
    heads: head && headIsBehind ? row : behindHead,
    others,
    begun: (head && headIsBehind) || newestIsBehind ? undefined : key,
  }
}

const later = (start: Buffer | undefined, first: Buffer): Buffer => (start && start.compare(first) > 0 ? start : first)

/** Rows of a space one by one, read in pages that grow as they are used up. */
function cursor(
  reader: Reader,
  { isKnown }: RowReader,
  space: Space,
  from: Buffer,
  lt: Buffer,
  few: number,
  whole: number,
) {
  const known = isKnown(space)
  let gte = from
  let ask = Math.min(few, whole)
  let rows: Row[] = []
  let at = 0
  let ended = false
  return {
    row: (): Row | undefined => rows[at],
    /** Is there no row before more are read? Told without waiting for a promise at each version. */
    isUsedUp: (): boolean => at === rows.length && !ended && gte.compare(lt) < 0,
    read: async (): Promise<void> => {
      rows = await rangeWithDamaged(reader, space, { gte, lt, limit: ask, isKnown: known })
      at = 0
      const last = rows.at(-1)
      if (last) gte = Buffer.concat([last.key, Buffer.from([0])])
      ended = rows.length < ask
      ask = Math.min(ask * 2, whole)
    },
    next: (): void => {
      at++
    },
    /** Not back. */
    seek: (to: Buffer): void => {
      while (at < rows.length && (rows[at]?.key.compare(to) ?? 0) < 0) at++
      if (at < rows.length) return
      if (gte.compare(to) < 0) gte = to
      ended = false
      ask = Math.min(few, whole)
    },
  }
}
