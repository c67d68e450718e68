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
}
