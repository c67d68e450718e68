import type { RetentionMode } from '../../../objects/object-lock.ts'
import { S3Error } from '../error-codes.ts'

/** In a document. */
export function retentionMode(text: string | undefined): RetentionMode {
  if (text === 'GOVERNANCE' || text === 'COMPLIANCE') return text
  throw new S3Error('MalformedXML')
}

/** ISO 8601, date and time, to the millisecond. Undefined for anything else. */
export function dateMs(text: string): number | undefined {
  const trimmed = text.trim()
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/.test(trimmed)) return undefined
  // Without a zone JavaScript would take the server's.
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(trimmed) ? trimmed : `${trimmed}Z`)
  return Number.isNaN(time) ? undefined : time
}
