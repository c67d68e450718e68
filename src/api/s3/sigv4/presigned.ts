import type { Clock } from '../../../base/clock.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'
import { parseAmzDate } from './amz-date.ts'
import { parseCredentialScope, type Regions, type ScopeErrors } from './credential-scope.ts'
import { ALGORITHM, MAX_SKEW_MS, type PresentedSignature } from './presented.ts'

const ERRORS: ScopeErrors = {
  code: 'AuthorizationQueryParametersError',
  prefix: 'Error parsing the X-Amz-Credential parameter; ',
}

const MAX_EXPIRES_SECONDS = 604_800
const REQUIRED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-Date',
  'X-Amz-SignedHeaders',
  'X-Amz-Expires',
]

/** Reads the `X-Amz-*` parameters of a presigned URL and checks its life and scope. */
export function readQuerySignature(request: S3Request, clock: Clock, regions: Regions): PresentedSignature {
  const { query } = request
  for (const name of request.duplicateQuery) {
    if (/^x-amz-/i.test(name)) throw invalid(`The query parameter ${name} must be given exactly once.`)
  }
  const [algorithm, credential, signature, amzDate, signedHeaders, expires] = REQUIRED.map((name) => query.get(name))
  if (!algorithm || !credential || !signature || !amzDate || !signedHeaders || !expires) {
    throw invalid(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
        'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (algorithm !== ALGORITHM) throw invalid(`X-Amz-Algorithm only supports "${ALGORITHM}"`)
  const scope = parseCredentialScope(credential, amzDate, regions, ERRORS)
  checkLife(amzDate, readExpires(expires), clock)
  return {
    mode: 'query',
    scope,
    signedHeaders,
    signature,
    amzDate,
    contentSha256: contentSha256(request),
    sessionToken: query.get('X-Amz-Security-Token'),
  }
}

const invalid = (message: string): S3Error => new S3Error(ERRORS.code, message)

function readExpires(text: string): number {
  // A life that ended before it began is over, like one that ended since.
  if (!/^-?\d{1,9}$/.test(text)) throw invalid('X-Amz-Expires should be a number')
  const seconds = Number(text)
  if (seconds > MAX_EXPIRES_SECONDS) {
    throw invalid(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`,
    )
  }
  return seconds
}

function checkLife(amzDate: string, expiresSeconds: number, clock: Clock): void {
  const start = parseAmzDate(amzDate)
  if (start === undefined) throw invalid("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const now = clock.now()
  if (start > now + MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not yet valid')
  const end = start + expiresSeconds * 1000
  if (now >= end) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      extra: {
        'X-Amz-Expires': String(expiresSeconds),
        Expires: new Date(end).toISOString(),
        ServerTime: new Date(now).toISOString(),
      },
    })
  }
}

/** A presigned URL leaves the payload open unless its query or a header says otherwise; they may not disagree. */
function contentSha256({ query, headers }: S3Request): string {
  const inQuery = query.get('X-Amz-Content-Sha256')
  const inHeader = headers.get('x-amz-content-sha256')
  if (inQuery !== undefined && inHeader !== undefined && inQuery !== inHeader) {
    throw invalid('X-Amz-Content-Sha256 and the x-amz-content-sha256 header differ.')
  }
  return inHeader ?? inQuery ?? 'UNSIGNED-PAYLOAD'
}
