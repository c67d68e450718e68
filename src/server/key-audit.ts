import type { KmsAuditEvent } from '../kms/call-record.ts'
import type { Logger } from '../observe/logger.ts'

/** Every use of a key. Refused ones are at hand without being asked for: they tell of attacks and of what will not open. */
export const keyAudit =
  (log: Pick<Logger, 'warn' | 'debug'>) =>
  (event: KmsAuditEvent): void =>
    log[event.outcome === 'failure' ? 'warn' : 'debug']({ audit: event }, event.action)
