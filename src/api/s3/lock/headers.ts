import type { LockDocument, Retention } from '../../../objects/object-lock.ts'
import type { ObjectLock } from '../../../objects/object-properties.ts'
import { S3Error } from '../error-codes.ts'
import type { OperationContext, ResourceUse, S3Action, S3Reply } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { dateMs } from './mode.ts'
import { protectionHeaders, protectionNeeds, uploadProtection } from './protection.ts'

const MODE = 'x-amz-object-lock-mode'
const UNTIL = 'x-amz-object-lock-retain-until-date'
const HOLD = 'x-amz-object-lock-legal-hold'
const BYPASS = 'x-amz-bypass-governance-retention'

type Headers = Pick<S3Request, 'headers'>

/** What the headers of an upload say; undefined when they say nothing. */
export function uploadLock(request: Headers): ObjectLock | undefined {
  const retention = uploadRetention(request)
  const protection = uploadProtection(request)
  if (protection) {
    if (!retention && !request.headers.has(HOLD)) return protection
    throw new S3Error('InvalidRequest', 'Retention headers and those of Object Lock cannot both be given.')
  }
  const hold = request.headers.get(HOLD)
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') {
    throw invalid(HOLD, hold, "Legal Hold must be either of 'ON' or 'OFF'")
  }
  if (hold === undefined) return retention
  return { ...retention, legalHold: hold === 'ON' }
}

function uploadRetention({ headers }: Headers): Pick<ObjectLock, 'mode' | 'retainUntilMs'> | undefined {
  const [mode, until] = [headers.get(MODE), headers.get(UNTIL)]
  if (mode === undefined && until === undefined) return undefined
  if (mode === undefined || until === undefined) {
    const missing = mode === undefined ? MODE : UNTIL
    throw invalid(missing, '', `${UNTIL} and ${MODE} must both be supplied`)
  }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw invalid(MODE, mode, 'Unknown wormMode directive.')
  const retainUntilMs = dateMs(until)
  if (retainUntilMs === undefined) {
    throw invalid(UNTIL, until, 'The retain until date must be provided in ISO 8601 format')
  }
  return { mode, retainUntilMs }
}

const invalid = (name: string, value: string, message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: value } })

/** The rights that they take beside the right to write the object. */
export const lockNeeds = ({ headers }: Headers): readonly S3Action[] => [
  ...(headers.has(MODE) || headers.has(UNTIL) ? (['s3:PutObjectRetention'] as const) : []),
  ...(headers.has(HOLD) ? (['s3:PutObjectLegalHold'] as const) : []),
  ...protectionNeeds({ headers }),
]

export const bypassesGovernance = ({ headers }: Headers): boolean => headers.get(BYPASS)?.toLowerCase() === 'true'

/** What makes a request bypass it. */
export const BYPASSING: Readonly<Record<string, string>> = { [BYPASS]: 'true' }

export const bypassNeeds = (request: Headers): readonly S3Action[] =>
  bypassesGovernance(request) ? ['s3:BypassGovernanceRetention'] : []

/** What a document says, by the names of the headers that could say it. */
export const retentionSaid = (retention: Retention | undefined): NonNullable<ResourceUse['said']> =>
  retention ? { [MODE]: retention.mode, [UNTIL]: new Date(retention.untilMs).toISOString() } : {}
export const legalHoldSaid = (isOn: boolean): NonNullable<ResourceUse['said']> => ({ [HOLD]: isOn ? 'ON' : 'OFF' })

/** Of what is retained by default: it is counted from the day of its writing on. */
export const defaultRetentionSaid = ({ mode, days, years }: LockDocument): NonNullable<ResourceUse['said']> => ({
  [MODE]: mode,
  'object-lock-remaining-retention-days': days?.toString() ?? (years === undefined ? undefined : String(years * 365)),
})

/** S3: what is retained, or held, from the first moment on is stored only when it is what was sent. */
export function requireIntegrity({ headers }: Headers, what: 'Put Object' | 'Put Part'): void {
  const checked =
    headers.has('content-md5') ||
    (headers.get('x-amz-trailer') ?? '').toLowerCase().includes('x-amz-checksum-') ||
    [...headers.keys()].some((name) => /^x-amz-checksum-(crc|sha)/.test(name))
  if (checked) return
  throw new S3Error(
    'InvalidRequest',
    `Content-MD5 OR x-amz-checksum- HTTP header is required for ${what} requests with Object Lock parameters`,
  )
}

/** S3: told to those who may read it. */
export async function lockHeaders(
  lock: ObjectLock | undefined,
  target: Omit<ResourceUse, 'action'>,
  { may }: Pick<OperationContext, 'may'>,
): Promise<NonNullable<S3Reply['headers']>> {
  const headers: Record<string, string> = {}
  const { mode, retainUntilMs, legalHold } = lock ?? {}
  if (lock?.periodSeconds !== undefined && (await may({ ...target, action: 's3:GetObjectRetention' }))) {
    Object.assign(headers, protectionHeaders(lock))
  }
  if (
    mode !== undefined &&
    retainUntilMs !== undefined &&
    (await may({ ...target, action: 's3:GetObjectRetention' }))
  ) {
    headers[MODE] = mode
    headers[UNTIL] = new Date(retainUntilMs).toISOString()
  }
  if (legalHold !== undefined && (await may({ ...target, action: 's3:GetObjectLegalHold' }))) {
    headers[HOLD] = legalHold ? 'ON' : 'OFF'
  }
  return headers
}
