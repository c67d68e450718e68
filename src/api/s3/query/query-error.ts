import type { AccessErrorCode } from '../../../access/errors.ts'
import { CodedError, hasCode } from '../../../base/errors.ts'
import type { AwsIamErrorCode } from '../../../iam/aws/errors.ts'
import { isFault, s3Face } from '../errors.ts'
import type { S3Reply } from '../operation.ts'
import { xml } from '../xml/encode.ts'

/** An error in the words of AWS's query protocol. */
export class QueryError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const STATUS: Readonly<Record<AwsIamErrorCode, number>> = {
  NoSuchEntity: 404,
  EntityAlreadyExists: 409,
  DeleteConflict: 409,
  LimitExceeded: 409,
  ValidationError: 400,
  InvalidInput: 400,
  InvalidIdentityToken: 400,
  ExpiredTokenException: 400,
  IDPCommunicationError: 400,
  IDPRejectedClaim: 403,
}

/** What S3 says of a signature, as the query APIs say it. */
const SIGNATURES: Readonly<Record<string, readonly [number, string]>> = {
  InvalidAccessKeyId: [403, 'InvalidClientTokenId'],
  InvalidToken: [403, 'InvalidClientTokenId'],
  ExpiredToken: [403, 'ExpiredToken'],
  RequestTimeTooSkewed: [403, 'SignatureDoesNotMatch'],
  AuthorizationHeaderMalformed: [400, 'IncompleteSignature'],
  SlowDown: [400, 'Throttling'],
}

/** `fault`: one of ours. */
export function queryFace(error: unknown): { readonly error: QueryError; readonly fault: boolean } {
  if (error instanceof QueryError) return { error, fault: false }
  if (isIamError(error)) return { error: new QueryError(STATUS[error.code], error.code, error.message), fault: false }
  if (hasCode<AccessErrorCode>(error, 'MalformedPolicy')) {
    return { error: new QueryError(400, 'MalformedPolicyDocument', error.message), fault: false }
  }
  const face = s3Face(error)
  if (isFault(face)) return { error: new QueryError(face.status, 'InternalFailure', face.message), fault: true }
  const [status, code] = SIGNATURES[face.code] ?? [face.status, face.code]
  return { error: new QueryError(status, code, face.message), fault: false }
}

const isIamError = (error: unknown): error is CodedError<AwsIamErrorCode> =>
  error instanceof CodedError && Object.hasOwn(STATUS, error.code)

export function queryErrorReply({ status, code, message }: QueryError, namespace: string, requestId: string): S3Reply {
  const Type = status < 500 ? 'Sender' : 'Receiver'
  const body = xml(
    'ErrorResponse',
    { Error: { Type, Code: code, Message: message }, RequestId: requestId },
    { namespace },
  )
  return { status, headers: { 'content-type': 'text/xml' }, body }
}
