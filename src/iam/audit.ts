import type { AuditTrail } from '../observe/audit-trail.ts'

/** Something done, or refused, with identities, credentials, tokens or policies. Never holds a secret. */
export interface IamAuditEvent {
  /** `iam.policy.create`, `iam.CreateToken`. */
  readonly action: string
  readonly outcome: 'success' | 'failure'
  readonly code?: string
  readonly reason?: string
  /** Id of the account that it was done in. */
  readonly account?: string
  /** Who did it; unknown when nobody could be identified. */
  readonly iamId?: string
  /** What it was done to: a CRN, an id or a path. */
  readonly target?: string
  readonly requestId?: string
  readonly correlationId?: string
  readonly sourceIp?: string
}

export type IamAudit = AuditTrail<IamAuditEvent>
