import type { RecordCipher } from '../base/nonces.ts'
import type { DamagedRow } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Space, Token } from '../storage/metadata/metadata-store.ts'
import type { SummaryCipher } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { openSummary, type Summary } from './content.ts'
import type { Engine } from './engine.ts'
import { keyOfVersion, SPACE, splitVersionKey } from './keyspace.ts'
import type { ListedPages } from './listed-pages.ts'
import type { ListedRow } from './listed-row.ts'
import { listedRows } from './listed-rows.ts'
import { type DeleteMarker, decodeListed, decodeListedVersion, type ListedRecord } from './records.ts'
import { replicationStatus } from './replication/status.ts'
import { idOfUnreadable, NULL_VERSION } from './version-id.ts'

/** What a listing says of an object whose record cannot be read: S3 has no word for "not known". */
const UNREADABLE = { deleteMarker: false, sizeBytes: 0, modifiedAtMs: 0 }

/** The rows of one page. */
export interface RowReader {
  /** For the range: what is said of such a row is known. */
  readonly isKnown: (space: Space) => (row: Buffer, token: Token) => boolean
  /** A damaged one, too: as much as is known. */
  readonly read: (space: Space, row: Entry | DamagedRow) => ListedRow
  /** Pages that were listed before. Undefined while the root key may not be used. */
  readonly pages: ListedPages | undefined
  /** How many of the rows that were read stay known. */
  readonly kept: () => number
}

/** `cipher`: none while the root key may not be used. `what` is told of before the names of what is damaged. */
export function rowReader(engine: Engine, bucket: Bucket, cipher: SummaryCipher | undefined, what: string): RowReader {
  const rows = cipher?.kept && listedRows(cipher.kept)
  /** They may be gone from there before the page is made. */
  const known = new Map<Buffer, ListedRow>()
  let kept = 0

  const open = (space: Space, { key: row, value, token }: Entry, key: string): ListedRow => {
    const record = space === SPACE.head ? decodeListed(value) : decodeListedVersion(value)
    const summary = cipher && 'summary' in record ? summaryOf(space, row, key, record, cipher) : undefined
    const listed = listedRow(key, record, summary)
    const isSound = summary !== undefined || (cipher && listed.deleteMarker)
    if (isSound && rows?.keep(space, row, token, listed)) kept++
    return listed
  }
  const summaryOf = (
    space: Space,
    row: Buffer,
    key: string,
    { blobId, summary }: ListedRecord,
    opener: RecordCipher,
  ): Summary | undefined => {
    try {
      return openSummary(opener, bucket, key, blobId, 0, summary)
    } catch (error) {
      engine.damage.found(space, row, `the summary of ${what}${bucket.name}/${key}`, error)
      return undefined
    }
  }
  const unreadable = (space: Space, row: Buffer, key: string, cause: unknown): ListedRow => {
    engine.damage.found(space, row, `the record of ${what}${bucket.name}/${key}`, cause)
    const versionId = space === SPACE.head ? NULL_VERSION : idOfUnreadable(splitVersionKey(row).order)
    return { key, versionId, ...UNREADABLE }
  }

  return {
    isKnown: (space) => (row, token) => {
      const listed = rows?.find(space, row, token)
      if (!listed) return false
      known.set(row, listed)
      return true
    },
    read: (space, row) => {
      const listed = known.get(row.key)
      if (listed) {
        kept++
        return listed
      }
      const key = keyOfVersion(space, row.key)
      if ('damage' in row) return unreadable(space, row.key, key, row.damage)
      try {
        return open(space, row, key)
      } catch (error) {
        return unreadable(space, row.key, key, error)
      }
    },
    pages: rows?.pages,
    kept: () => kept,
  }
}

function listedRow(key: string, record: ListedRecord | DeleteMarker, summary: Summary | undefined): ListedRow {
  const { versionId, modifiedAtMs } = record
  if ('deleteMarker' in record) {
    return { key, versionId, deleteMarker: true, sizeBytes: 0, modifiedAtMs, face: undefined }
  }
  const { sizeBytes, properties } = record
  const { storageClass, owner, replication } = properties
  const status = replicationStatus(replication)
  return {
    ...{ key, versionId, deleteMarker: false, sizeBytes, modifiedAtMs, storageClass, owner, summary },
    replicationStatus: status,
    face: undefined,
  }
}
