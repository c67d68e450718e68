import type { AuditEvent } from '../../audit/event.ts'
import { CodedError } from '../../base/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { Logger } from '../../observe/logger.ts'
import { type AuditTrails, trailsOver } from '../audit-trails.ts'
import type { Line } from './line.ts'
import type { OwnerCalls } from './messages.ts'
import type { SharedFlags } from './shared-memory.ts'

/**
 * There is one log, and one that writes it: what is recorded here goes there, with all of the same turn of the event loop. As JSON,
 * which is made and read in half the time of a structured clone.
 */
export function followerAudit(line: Line<OwnerCalls>, { isAuditReady }: SharedFlags, log: Logger): AuditTrails {
  let waiting: AuditEvent[] = []
  const flush = (): void => {
    if (waiting.length > 0) line.tell('audit', JSON.stringify(waiting))
    waiting = []
  }
  return trailsOver(
    {
      ready: () => {
        if (isAuditReady()) return
        throw new CodedError<AuditErrorCode>('AuditUnavailable', 'the audit log takes no records now')
      },
      record: (event) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push(event)
      },
      settled: () => {
        flush()
        return line.ask('auditSettled', undefined)
      },
      writable: isAuditReady,
    },
    log,
  )
}
