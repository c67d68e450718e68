import { successor } from '../base/bytes.ts'
import { type DamagedRow, groupsWithDamaged, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Group } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys, SummaryCipher } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import type { Engine } from './engine.ts'
import { headKey, keyOfHead, rowsUnder, SPACE, uploadKey } from './keyspace.ts'
import type { ListedObject, ListPage } from './listed-row.ts'
import { type RowReader, rowReader } from './row-reader.ts'
import { parseUploadId } from './upload-id.ts'
import { type ListedUpload, listedUpload, unreadableUpload } from './uploads.ts'

export interface ListQuery {
  readonly bucket: Bucket
  readonly prefix: string
  /** '' for none. */
  readonly delimiter: string
  /** Keys and prefixes strictly after this one; '' from the start. */
  readonly after: string
  readonly limit: number
}

export async function listObjects(engine: Engine, keys: BucketKeys, query: ListQuery): Promise<ListPage<ListedObject>> {
  using cipher = await cipherUnlessLocked(keys, query.bucket)
  return await page(engine, query, rowReader(engine, query.bucket, cipher, ''))
}

/** Only the key provider's refusal, or a wrong key, locks a listing; whatever else goes wrong is an error. */
export async function cipherUnlessLocked(keys: BucketKeys, bucket: Bucket): Promise<SummaryCipher | undefined> {
  try {
    return await keys.summaryCipher(bucket)
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
    const locked = ['RootKeyNotFound', 'RootKeyDisabled', 'KeyAccessDenied', 'KeyProviderUnavailable', 'BucketKeyWrong']
    if (typeof code === 'string' && locked.includes(code)) return undefined
    throw error
  }
}

async function page(engine: Engine, query: ListQuery, rows: RowReader): Promise<ListPage<ListedObject>> {
  const { bucket, prefix, delimiter, after, limit } = query
  const empty = { items: [], commonPrefixes: [], truncated: false, last: undefined }
  if (limit === 0) return empty
  const under = rowsUnder(headKey(bucket.id, prefix))
  const from = startAfter(bucket.id, prefix, delimiter, after)
  if (!from || from.compare(under.lt) >= 0) return empty
  const gte = from.compare(under.gte) > 0 ? from : under.gte
  const mark = engine.metadata.headsMark(under.gte)
  const question = JSON.stringify([prefix, delimiter, after, limit])
  const known = mark === undefined ? undefined : rows.pages?.find(question, mark)
  if (known) return known
  const found: (Group | DamagedRow)[] = delimiter
    ? await groupsWithDamaged(engine.metadata, SPACE.head, {
        prefix: under.gte,
        from: gte,
        lt: under.lt,
        delimiter: Buffer.from(delimiter, 'utf8'),
        limit: limit + 1,
      })
    : (
        await rangeWithDamaged(engine.metadata, SPACE.head, {
          ...{ gte, lt: under.lt, limit: limit + 1, isKnown: rows.isKnown(SPACE.head) },
        })
      ).map((entry) => ('damage' in entry ? entry : { entry }))
  const items: ListedObject[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  for (const group of found.slice(0, limit)) {
    if ('prefix' in group) {
      last = keyOfHead(group.prefix)
      commonPrefixes.push(last)
    } else {
      const item = rows.read(SPACE.head, 'damage' in group ? group : group.entry)
      last = item.key
      items.push(item)
    }
  }
  const listed = { items, commonPrefixes, truncated: found.length > limit, last }
  if (rows.kept() === items.length && mark !== undefined) rows.pages?.keep(question, mark, listed)
  return listed
}

/** First row after `after`: behind all of a common prefix that an earlier page reported. */
function startAfter(bucketId: string, prefix: string, delimiter: string, after: string): Buffer | undefined {
  if (after === '') return headKey(bucketId, '')
  const reported = reportedPrefix(prefix, delimiter, after)
  if (reported !== undefined) return successor(headKey(bucketId, reported))
  return Buffer.concat([headKey(bucketId, after), Buffer.from([0])])
}

/** The common prefix that a marker lies in (it is one, or a key inside one). A key that ends with the delimiter need not. */
export function reportedPrefix(prefix: string, delimiter: string, marker: string): string | undefined {
  if (!delimiter || !marker.startsWith(prefix)) return undefined
  const at = marker.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : marker.slice(0, at + delimiter.length)
}

export interface ListUploadsQuery extends Omit<ListQuery, 'after'> {
  readonly keyMarker: string
  readonly uploadIdMarker: string
}

/** Rows read behind a common prefix: the next one is likely to follow at once, and all but its first row are passed over. */
export const FEW = 8

/**
 * Uploads by key. Rows end with a random id that may hold any byte, the delimiter's too, so groups are found here and
 * jumped over, and not left to the store.
 */
export async function listUploads(engine: Engine, query: ListUploadsQuery): Promise<ListPage<ListedUpload>> {
  const { bucket, prefix, delimiter, limit } = query
  const under = rowsUnder(headKey(bucket.id, prefix))
  const items: ListedUpload[] = []
  const commonPrefixes: string[] = []
  let last: string | undefined
  const whole = limit + 1
  let ask = delimiter ? Math.min(FEW, whole) : whole
  let gte: Buffer | undefined = firstUpload(query, under.gte)
  while (gte && gte.compare(under.lt) < 0) {
    const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(engine.metadata, SPACE.upload, {
      ...{ gte, lt: under.lt, limit: ask },
    })
    gte = undefined
    ask = Math.min(ask * 2, whole)
    for (const row of rows) {
      if (items.length + commonPrefixes.length === limit) return { items, commonPrefixes, truncated: limit > 0, last }
      const upload = listed(engine, bucket, row)
      const at = delimiter ? upload.key.indexOf(delimiter, prefix.length) : -1
      if (at >= 0) {
        last = upload.key.slice(0, at + delimiter.length)
        commonPrefixes.push(last)
        gte = successor(headKey(bucket.id, last))
        ask = Math.min(FEW, whole)
        break
      }
      last = upload.key
      items.push(upload)
      gte = Buffer.concat([row.key, Buffer.from([0])])
    }
  }
  return { items, commonPrefixes, truncated: false, last }
}

/** A damaged one is listed so that it can be aborted. */
function listed(engine: Engine, bucket: Bucket, row: Entry | DamagedRow): ListedUpload {
  if (!('damage' in row)) return listedUpload(row)
  const upload = unreadableUpload(row)
  engine.damage.found(SPACE.upload, row.key, `the record of an upload of ${bucket.name}/${upload.key}`, row.damage)
  return upload
}

/** S3: without an upload-id-marker the page starts behind all uploads of the marker's key, with it inside them. */
function firstUpload(query: ListUploadsQuery, start: Buffer): Buffer | undefined {
  const { bucket, prefix, delimiter, keyMarker, uploadIdMarker } = query
  if (!keyMarker) return start
  const later = (row: Buffer | undefined): Buffer | undefined => (row && row.compare(start) > 0 ? row : row && start)
  const reported = reportedPrefix(prefix, delimiter, keyMarker)
  if (reported !== undefined) return later(successor(headKey(bucket.id, reported)))
  const inside = parseUploadId(uploadIdMarker)
  if (inside) {
    const row = uploadKey(bucket.id, keyMarker, inside)
    return later(Buffer.concat([row, Buffer.from([0])]))
  }
  return later(Buffer.concat([headKey(bucket.id, keyMarker), Buffer.from([1])]))
}
