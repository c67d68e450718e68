import type { AuditTrail } from '../../observe/audit-trail.ts'

/** Something that was done with a bucket or what is in it, or refused: what its owner asked to be told of. */
export interface Activity {
  /** `s3.GetObject`, `cos.UpdateBucketConfig`. */
  readonly action: string
  readonly outcome: 'success' | 'failure'
  readonly code?: string
  readonly reason?: string
  /** Id of the account of whoever did it. */
  readonly account?: string
  /** Undefined when nobody could be identified. */
  readonly iamId?: string
  /** CRN of the bucket; the path where there is no such bucket. */
  readonly target: string
  /** Key of the object. */
  readonly object?: string
  /** CRN of the root key that it is about. */
  readonly key?: string
  readonly requestId: string
  readonly correlationId?: string
  readonly sourceIp?: string
}

export type ActivityTrail = AuditTrail<Activity>
