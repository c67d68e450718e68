import { hasCode } from '../base/errors.ts'
import type { KmsAction } from '../iam/actions.ts'
import type { Instance } from '../iam/instances.ts'
import type { AuditErrorCode, AuditTrail } from '../observe/audit-trail.ts'
import type { KmsErrorCode } from './errors.ts'
import { keyCrn } from './key-view.ts'

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
  /** Why they do it, in their own words. */
  readonly why?: string
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

/** Where a call came from. */
export interface Asking {
  readonly instanceGuid: string
  readonly correlationId?: string
  readonly address?: string
}

const about = (keyRing: string | undefined) => (keyRing === undefined ? {} : { keyRing })

/** The audit event of one call, put together when its outcome is known and not before: most calls of a put are never told. */
export class CallRecord {
  readonly #tell: (event: KmsAuditEvent) => void
  readonly #now: () => number
  readonly #iamId: string
  readonly #asking: Asking
  readonly #action: KmsAction
  readonly #subject: Subject
  #facts: CallFacts | undefined
  #key: { readonly instance: Instance; readonly id: string } | undefined

  constructor(
    { record, now }: { readonly record: KmsAudit['record']; readonly now: () => number },
    iamId: string,
    asking: Asking,
    action: KmsAction,
    subject: Subject,
  ) {
    this.#tell = record
    this.#now = now
    this.#iamId = iamId
    this.#asking = asking
    this.#action = action
    this.#subject = subject
  }

  note(facts: CallFacts): void {
    this.#facts = this.#facts === undefined ? facts : { ...this.#facts, ...facts }
  }

  noteKey(instance: Instance, id: string): void {
    this.#key = { instance, id }
  }

  succeeded(): void {
    this.#record({ outcome: 'success' })
  }

  failed(error: unknown): void {
    this.#record({ outcome: 'failure', code: hasCode<KmsErrorCode>(error) ? error.code : 'Unexpected' })
  }

  #record(outcome: Pick<KmsAuditEvent, 'outcome' | 'code'>): void {
    const { instanceGuid, correlationId, address } = this.#asking
    const subject = this.#subject
    this.#tell({
      ...{ atMs: this.#now(), action: this.#action, ...outcome, iamId: this.#iamId, instance: instanceGuid },
      ...(typeof subject === 'string' ? { key: subject } : about(ringOf(subject))),
      ...(this.#key === undefined ? {} : { keyCrn: keyCrn(this.#key.instance, this.#key.id) }),
      ...this.#facts,
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(address === undefined ? {} : { address }),
    })
  }
}
