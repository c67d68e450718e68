/** What is done with keys and rights cannot be recorded now, so it is not done. */
export type AuditErrorCode = 'AuditUnavailable'

/**
 * Where a floor says what was done with keys and rights, in events of its own words. What must be recorded is not begun
 * while it cannot be.
 */
export interface AuditTrail<Event> {
  /** To be asked before the act. Throws AuditUnavailable. */
  readonly ready: () => void
  /** Durable within a second. Never throws. */
  readonly record: (event: Event) => void
  /** Resolves when all that was recorded is durable: awaited before a change is answered. Rejects with AuditUnavailable. */
  readonly settled: () => Promise<void>
}

/** Records nothing. */
export const noAudit: AuditTrail<unknown> = { ready: () => {}, record: () => {}, settled: async () => {} }
