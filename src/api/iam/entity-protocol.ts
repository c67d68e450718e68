import { CodedError, hasCode } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { UserPrincipal } from '../../iam/principal.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { allowHeader, isRequestError, requestErrorStatus } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { callAudit } from './audit.ts'
import { identityOf } from './bearer-token.ts'

/** What an operation on identities and credentials may touch, and for whom. */
export interface EntityContext {
  readonly iam: Iam
  readonly principal: UserPrincipal
}

export const entityOperation = jsonOperations<EntityContext>()

const BODY_LIMIT_BYTES = 64 * 1024

/** IAM Identity Services: service IDs and API keys; and the keys that sign tokens, which are Coffer's own. */
export function entityProtocol(iam: Iam): JsonProtocol<EntityContext> {
  return {
    name: 'iam-identity',
    prefixes: ['/v1/serviceids', '/v1/apikeys', '/coffer/v1/signing-keys'],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => ({ iam, principal: await identityOf(request, iam) }),
    audit: callAudit(iam.audit),
    renderError,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

/** What only this API finds wrong. */
export type EntityErrorCode = 'ParameterMissing' | 'ParameterInvalid' | 'PreconditionMissing'

export const parameterInvalid = (message: string): CodedError<EntityErrorCode> =>
  new CodedError('ParameterInvalid', message)

/** Status, code, and IBM's number of the message. Where IBM tells no number, the one of the nearest message stands. */
const FACES = {
  InvalidToken: [401, 'unauthorized', 'BXNIM0308E'],
  ExpiredToken: [401, 'unauthorized', 'BXNIM0408E'],
  NotPermitted: [403, 'forbidden', 'BXNIM0513E'],
  EntityNotFound: [404, 'not_found', 'BXNIM0102E'],
  UnknownUser: [404, 'not_found', 'BXNIM0102E'],
  UnknownAccount: [404, 'not_found', 'BXNIM0102E'],
  EntityConflict: [409, 'conflict', 'BXNIM0103E'],
  IdentityConflict: [409, 'conflict', 'BXNIM0103E'],
  EntityLocked: [409, 'conflict', 'BXNIM0104E'],
  IdentityInvalid: [400, 'invalid_request', 'BXNIM0106E'],
  ParameterInvalid: [400, 'invalid_request', 'BXNIM0106E'],
  ParameterMissing: [400, 'invalid_request', 'BXNIM0109E'],
  PreconditionMissing: [400, 'invalid_request', 'BXNIM0109E'],
  NoSpace: [503, 'service_unavailable', 'BXNIM0099E'],
  AuditUnavailable: [503, 'service_unavailable', 'BXNIM0099E'],
} as const satisfies Partial<
  Record<
    IamErrorCode | EntityErrorCode | AuditErrorCode | Extract<MetadataStoreErrorCode, 'NoSpace'>,
    readonly [number, string, string]
  >
>

const isFaced = (error: unknown): error is CodedError<keyof typeof FACES> =>
  hasCode(error) && Object.hasOwn(FACES, error.code)

function renderError(error: unknown, request: ApiRequest): Reply {
  if (isFaced(error)) {
    const [status, code, messageCode] = FACES[error.code]
    return errorReply(request, status, code, messageCode, error.message)
  }
  if (isRequestError(error)) {
    const status = requestErrorStatus(error.code)
    const code = status === 404 ? 'not_found' : 'invalid_request'
    return errorReply(request, status, code, 'BXNIM0106E', error.message, allowHeader(error))
  }
  return errorReply(request, 500, 'internal_error', 'BXNIM0099E', 'Internal error.')
}

function errorReply(
  request: ApiRequest,
  status: number,
  code: string,
  messageCode: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const errors = [{ code, message_code: messageCode, message, details: message }]
  const body = { context: contextOf(request), status_code: String(status), errors, trace: request.correlationId }
  return json(status, body, headers)
}

export const contextOf = ({ correlationId, method, url }: ApiRequest): object => ({
  transaction_id: correlationId,
  operation: method,
  url,
})
