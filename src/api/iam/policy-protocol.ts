import { CodedError, hasCode } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { allowHeader, isRequestError, requestErrorStatus } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { callAudit } from './audit.ts'
import type { PolicyContext } from './context.ts'

export const policyOperation = jsonOperations<PolicyContext>()

const BODY_LIMIT_BYTES = 256 * 1024

export function policyProtocol(iam: Iam): JsonProtocol<PolicyContext> {
  return {
    name: 'iam-policies',
    prefixes: ['/v1/policies'],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => ({ iam, principal: await iam.verifyToken(bearerToken(request)) }),
    audit: callAudit(iam.audit),
    renderError,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

/** Throws InvalidToken. */
function bearerToken(request: ApiRequest): string {
  const token = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '')?.[1]
  if (token === undefined) throw new CodedError<IamErrorCode>('InvalidToken', 'a bearer token is required')
  return token
}

/** What only this API finds wrong. */
export type PolicyErrorCode =
  | 'NotSupported'
  | 'ParameterMissing'
  | 'ParameterInvalid'
  | 'PreconditionMissing'
  | 'PolicyInvalid'

const FACES = {
  InvalidToken: [401, 'invalid_token'],
  ExpiredToken: [401, 'invalid_token'],
  // IBM's spelling.
  NotPermitted: [403, 'insufficent_permissions'],
  AuthorizationNotFound: [404, 'policy_not_found'],
  AuthorizationConflict: [409, 'policy_conflict_error'],
  AuthorizationInvalid: [400, 'invalid_body'],
  PolicyInvalid: [400, 'invalid_body'],
  UnknownAccount: [400, 'invalid_body'],
  ParameterMissing: [400, 'missing_required_query_parameter'],
  ParameterInvalid: [400, 'invalid_query_parameter'],
  PreconditionMissing: [400, 'missing_required_header'],
  NotSupported: [501, 'unable_to_process'],
  NoSpace: [503, 'request_not_processed'],
  AuditUnavailable: [503, 'request_not_processed'],
} as const satisfies Partial<
  Record<
    IamErrorCode | PolicyErrorCode | AuditErrorCode | Extract<MetadataStoreErrorCode, 'NoSpace'>,
    readonly [number, string]
  >
>

const isFaced = (error: unknown): error is CodedError<keyof typeof FACES> =>
  hasCode(error) && Object.hasOwn(FACES, error.code)

function renderError(error: unknown, request: ApiRequest): Reply {
  if (isFaced(error)) {
    const [status, code] = FACES[error.code]
    return errors(request, status, code, error.message)
  }
  if (isRequestError(error)) {
    const status = requestErrorStatus(error.code)
    const code = status === 404 ? 'not_found' : error.code.startsWith('Body') ? 'invalid_body' : 'request_not_processed'
    return errors(request, status, code, error.message, allowHeader(error))
  }
  return errors(request, 500, 'request_not_processed', 'internal error')
}

function errors({ correlationId }: ApiRequest, status: number, code: string, message: string, headers = {}): Reply {
  return json(status, { trace: correlationId, errors: [{ code, message }], status_code: status }, headers)
}
