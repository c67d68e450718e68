import { hasCode } from '../base/errors.ts'
import type { KmsAction } from '../iam/actions.ts'
import type { AuditErrorCode, AuditTrail } from '../observe/audit-trail.ts'
import type { KmsErrorCode } from './errors.ts'

export interface KmsAuditEvent extends CallFacts {
  readonly atMs: number
  readonly action: KmsAction
  readonly outcome: 'success' | 'failure'
  readonly code?: KmsErrorCode | AuditErrorCode | 'Unexpected'
  readonly iamId: string
  readonly instance: string
  /** As asked for: an id or an alias. */
  readonly key?: string
  readonly keyRing?: string
  readonly correlationId?: string
  /** Where a caller over a wire is. */
  readonly address?: string
}

/** What becomes known in the course of a call. */
export interface CallFacts {
  /** Why the caller was let in or not: names roles and authorizations. */
  readonly reason?: string
  readonly keyCrn?: string
  /** The version that wrapped or unwrapped, or was made. */
  readonly keyVersion?: string
}

export type KmsAudit = AuditTrail<KmsAuditEvent>

/** What a call is about: a key by its id or alias, a key ring, keys in a ring (not yet, or any), or the instance as a whole. */
export type Subject = string | { readonly keyRing: string } | KeysIn | undefined

export interface KeysIn {
  readonly keysIn: string
}

/** The ring that a subject names. */
export const ringOf = (subject: Exclude<Subject, string>): string | undefined =>
  subject && ('keysIn' in subject ? subject.keysIn : subject.keyRing)

export interface Asking {
  readonly iamId: string
  readonly instanceGuid: string
  readonly correlationId?: string
  readonly address?: string
}

/** The audit event of one call, written when its outcome is known. */
export interface CallRecord {
  readonly note: (facts: CallFacts) => void
  readonly succeeded: () => void
  readonly failed: (error: unknown) => void
}

const about = (keyRing: string | undefined) => (keyRing === undefined ? {} : { keyRing })

export const callRecords =
  (audit: KmsAudit, now: () => number) =>
  (asking: Asking, action: KmsAction, subject: Subject): CallRecord => {
    const { iamId, instanceGuid, correlationId, address } = asking
    let facts: CallFacts = {}
    const record = (outcome: Pick<KmsAuditEvent, 'outcome' | 'code'>): void =>
      audit.record({
        ...{ atMs: now(), action, ...outcome, iamId, instance: instanceGuid },
        ...(typeof subject === 'string' ? { key: subject } : about(ringOf(subject))),
        ...facts,
        ...(correlationId === undefined ? {} : { correlationId }),
        ...(address === undefined ? {} : { address }),
      })
    return {
      note: (more) => {
        facts = { ...facts, ...more }
      },
      succeeded: () => record({ outcome: 'success' }),
      failed: (error) => record({ outcome: 'failure', code: hasCode<KmsErrorCode>(error) ? error.code : 'Unexpected' }),
    }
  }
