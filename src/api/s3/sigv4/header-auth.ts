import type { Clock } from '../../../base/clock.ts'
import { S3Error } from '../error-codes.ts'
import { httpDateMs } from '../http-date.ts'
import type { S3Request } from '../request.ts'
import { formatAmzDate, parseAmzDate } from './amz-date.ts'
import { parseCredentialScope, type Regions, type ScopeErrors, type SignedService } from './credential-scope.ts'
import { ALGORITHM, MAX_SKEW_MS, type PresentedSignature } from './presented.ts'

const ERRORS: ScopeErrors = { code: 'AuthorizationHeaderMalformed', prefix: 'The authorization header is malformed; ' }

/** A call whose body is read before its signature: clients name its hash in the signature only. */
export interface SignedForm {
  readonly services: readonly SignedService[]
  readonly bodySha256: string
}

/** Reads `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` and checks its time and scope. */
export function readHeaderSignature(
  request: S3Request,
  clock: Clock,
  regions: Regions,
  signed?: SignedForm,
): PresentedSignature {
  const fields = parseFields(request.headers.get('authorization') ?? '')
  const amzDate = requestDate(request)
  checkSkew(amzDate, clock)
  const contentSha256 = request.headers.get('x-amz-content-sha256') ?? signed?.bodySha256
  if (contentSha256 === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  return {
    mode: 'header',
    scope: parseCredentialScope(fields.credential, amzDate, regions, ERRORS, signed?.services),
    signedHeaders: fields.signedHeaders,
    signature: fields.signature,
    amzDate,
    contentSha256,
    sessionToken: request.headers.get('x-amz-security-token'),
  }
}

function parseFields(authorization: string): { credential: string; signedHeaders: string; signature: string } {
  let credential = ''
  let signedHeaders = ''
  let signature = ''
  for (const field of authorization.slice(ALGORITHM.length).split(',')) {
    const equals = field.indexOf('=')
    const name = field.slice(0, Math.max(equals, 0)).trim()
    const value = field.slice(equals + 1).trim()
    if (name === 'Credential' && credential === '') credential = value
    else if (name === 'SignedHeaders' && signedHeaders === '') signedHeaders = value
    else if (name === 'Signature' && signature === '') signature = value
    else throw malformed(`unexpected or repeated field "${name}".`)
  }
  if (credential === '')
    throw malformed('the authorization header requires three components: Credential, SignedHeaders, and Signature.')
  if (signedHeaders === '') throw malformed('missing SignedHeaders.')
  if (signature === '') throw malformed('missing Signature.')
  return { credential, signedHeaders, signature }
}

const malformed = (what: string): S3Error => new S3Error(ERRORS.code, `${ERRORS.prefix}${what}`)

/** x-amz-date, or else Date; either may be in either format. */
function requestDate({ headers }: S3Request): string {
  const text = headers.get('x-amz-date') ?? headers.get('date')
  if (text !== undefined) {
    if (parseAmzDate(text) !== undefined) return text
    const timeMs = httpDateMs(text)
    if (timeMs !== undefined) return formatAmzDate(timeMs)
  }
  throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
}

function checkSkew(amzDate: string, clock: Clock): void {
  const now = clock.now()
  if (Math.abs((parseAmzDate(amzDate) ?? 0) - now) <= MAX_SKEW_MS) return
  throw new S3Error('RequestTimeTooSkewed', undefined, {
    extra: {
      RequestTime: amzDate,
      ServerTime: new Date(now).toISOString(),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  })
}
