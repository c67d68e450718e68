/** What can be wrong, by names that programs go by: none is ever changed. */
export type FindingKind = keyof typeof ADVICE

/** Something that is not as it was stored, or does not agree with something else. */
export interface Finding {
  readonly kind: FindingKind
  /** Name, or the id where no record has the name. */
  readonly bucket?: string
  readonly key?: string
  readonly versionId?: string
  readonly uploadId?: string
  readonly part?: number
  /** Id of the stored bytes. */
  readonly blob?: string
  /** In the data directory; of a blob in a pack, with the offset of its record. */
  readonly file?: string
  readonly offset?: number
  /** What is wrong, in words. */
  readonly damage: string
  /** What to do about it. */
  readonly advice: string
}

export type Problem = Omit<Finding, 'advice'>

const RESTORE_VERSION =
  'restore this version from a backup or a replica, then delete the damaged one. Nothing else is concerned'
const RESTORE_DIRECTORY =
  'restore the whole data directory from a backup, or rebuild what is left of it elsewhere with `coffer salvage`'
const REBUILD = 'nothing of the content is lost: `coffer salvage` makes a copy in which this is put right'

const ADVICE = {
  /** Stored bytes of an object version or of a part of an upload. */
  'content-missing': RESTORE_VERSION,
  'content-cut': RESTORE_VERSION,
  'content-damaged': RESTORE_VERSION,
  /** What lies there is whole, and of another object, upload or part. */
  'content-exchanged': `find out who exchanged files of the store, then ${RESTORE_VERSION}`,
  'content-unreadable': `the disk fails: replace it. Then ${RESTORE_VERSION}`,
  /** Authentic, and yet not what its checksum says. */
  'content-differs': 'do not trust the content: compare it with its source. This is a fault of a program or of memory',
  'manifest-missing': RESTORE_VERSION,
  'manifest-damaged': RESTORE_VERSION,
  /** The row of a part. */
  'part-missing': RESTORE_VERSION,
  'part-damaged': RESTORE_VERSION,
  /** The DEK does not open although its root key is the right one. */
  'key-damaged': RESTORE_VERSION,
  'summary-damaged': 'the content is whole: listings show no ETag. Copy the object onto itself',
  'tags-damaged': 'the content is whole: set the tags of the version anew',
  /** A row that does not authenticate, or says what no row says. */
  'record-damaged': `if the row is of one object, ${RESTORE_VERSION}; else ${RESTORE_DIRECTORY}`,
  /** Rows of a bucket that has no record. */
  'bucket-missing': RESTORE_DIRECTORY,
  /** The row that keeps a blob from the sweep. */
  'owner-missing': `do not start a server before it is put right, its sweep may remove the bytes. So far ${REBUILD}`,
  'owner-orphan':
    'bytes that nothing names any more keep their room. If nothing was lost, only room is; otherwise this tells of what',
  'part-orphan':
    'parts that belong to nothing keep their room. If nothing was lost, only room is; otherwise this tells of what',
  'blob-orphan': 'bytes that nothing names keep their room: no record is missing for that reason alone',
  'current-missing':
    'the versions of the key are there: put the object anew, or delete the key, and something is current again',
  'history-wrong': REBUILD,
  'counter-wrong': 'nothing is lost: POST /admin/v1/usage/recount with {"repair":true} puts the counters right',
  /** Stored identities and root keys. */
  'identity-damaged': 'what is damaged is refused, all else serves: declare it anew, or restore the data directory',
  'root-key-damaged':
    'what is under the key cannot be read until it is restored: restore the data directory from a backup',
  /** Files of a metadata store. */
  'store-missing': RESTORE_DIRECTORY,
  'table-damaged': `leave no server running, which may write anew what is left of the table: ${RESTORE_DIRECTORY}`,
  'log-damaged': `${RESTORE_DIRECTORY}. A start with COFFER_ACCEPT_METADATA_LOSS=true gives up what is lost`,
  'store-cut': `${RESTORE_DIRECTORY}. A start with COFFER_ACCEPT_METADATA_LOSS=true gives up what is lost`,
} as const satisfies Readonly<Record<string, string>>

export const adviseOn = (problem: Problem): Finding => ({ ...problem, advice: ADVICE[problem.kind] })

/** The same in every look: what is the same in kind and place is the same finding. */
export const identityOf = ({ kind, bucket, key, versionId, uploadId, part, blob, file, offset }: Finding): string =>
  JSON.stringify([kind, bucket, key, versionId, uploadId, part, blob, file, offset])

export const isFindingKind = (kind: unknown): kind is FindingKind =>
  typeof kind === 'string' && Object.hasOwn(ADVICE, kind)
