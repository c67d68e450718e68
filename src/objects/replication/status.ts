/** What may change of a version that is there. */
export const ASPECTS = ['tags', 'hold', 'retention'] as const
export type Aspect = (typeof ASPECTS)[number]

/** How far a version is on its way to one destination. */
export type Progress = {
  readonly status: 'PENDING' | 'COMPLETED' | 'FAILED'
  /** Of the version there, once there is one; '' where it has none. */
  readonly versionId?: string
  /** What has changed since it was told there. Missing of an earlier release: anything, unless it is completed. */
  readonly changed?: readonly Aspect[]
  /** It is held there, and was not before it was so here: the hold may be released. */
  readonly held?: true
  /** Of one that FAILED: what is there lacks something that will not come, since nothing leads there any more. */
  readonly withdrawn?: true
}

/** As of Object Lock. */
type SourceLock = {
  readonly mode?: 'GOVERNANCE' | 'COMPLIANCE' | undefined
  readonly retainUntilMs?: number | undefined
  readonly legalHold?: boolean | undefined
}

/** Of a version that is replicated, or a replica. */
export type Replication = {
  readonly replica?: true
  /** Of a replica: what its source made of its lock, and may thus make weaker. */
  readonly lock?: SourceLock
  /** By the name of the destination. */
  readonly to?: { readonly [destination: string]: Progress }
}

export type ReplicationStatus = Progress['status'] | 'REPLICA'

/** S3: of several destinations the least far counts. */
export function replicationStatus(replication: Replication | undefined): ReplicationStatus | undefined {
  if (!replication) return undefined
  if (replication.replica) return 'REPLICA'
  const all = Object.values(replication.to ?? {}).map(({ status }) => status)
  return (['FAILED', 'PENDING', 'COMPLETED'] as const).find((status) => all.includes(status))
}

export const withProgress = ({ to, ...rest }: Replication = {}, name: string, progress: Progress): Replication => ({
  ...rest,
  to: { ...to, [name]: progress },
})
