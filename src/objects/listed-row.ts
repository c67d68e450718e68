import type { Summary } from './content.ts'
import type { PlainProperties } from './object-properties.ts'
import type { ReplicationStatus } from './replication/status.ts'

/** What a row of `head` or `version` tells in a listing. */
export interface ListedRow {
  readonly key: string
  readonly versionId: string
  readonly deleteMarker: boolean
  /** 0 of a delete marker. */
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Absent: STANDARD. */
  readonly storageClass?: string | undefined
  /** Absent: the bucket's. */
  readonly owner?: PlainProperties['owner']
  /** Absent: it is neither replicated nor a replica. */
  readonly replicationStatus?: ReplicationStatus | undefined
  /** Absent while the root key may not be used (a locked bucket lists names, sizes and dates), and when it is damaged. */
  readonly summary?: Summary | undefined
  /** What an answer said of it the last time, kept with it by whoever made that. */
  face?: RowFace | undefined
}

/** As it was asked for: with names encoded so, and with that of an owner. */
export interface RowFace {
  readonly encoding: string
  readonly owner: string
  readonly text: string
}

export type ListedObject = Omit<ListedRow, 'versionId' | 'deleteMarker'>

/** A page in UTF-8 byte order; keys and common prefixes share the limit. */
export interface ListPage<T> {
  readonly items: readonly T[]
  readonly commonPrefixes: readonly string[]
  readonly truncated: boolean
  /** The last key or common prefix of the page: the next page starts after it. */
  readonly last: string | undefined
}
