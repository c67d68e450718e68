import { z } from 'zod'
import { hasCode } from '../../base/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import { type CallAudit, type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { headersOf, isRequestError, requestErrorStatus } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { IdentityContext } from './context.ts'
import { IdentityError } from './identity-error.ts'

const errorReply = z.object({
  errorCode: z.string(),
  errorMessage: z.string(),
  errorDetails: z.string().optional(),
  context: z.object({ requestId: z.string(), requestType: z.string(), url: z.string() }),
})

export const identityOperation = jsonOperations<IdentityContext>()

/** Bodies are short forms: a key, a token. */
const BODY_LIMIT_BYTES = 64 * 1024

export function identityProtocol(iam: Iam, audit: CallAudit): JsonProtocol<IdentityContext> {
  return {
    name: 'identity',
    prefixes: ['/identity', '/oidc'],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async () => ({ iam }),
    audit,
    renderError,
    error: errorReply,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

interface Rendered {
  readonly status: number
  readonly errorCode: string
  readonly errorMessage: string
  readonly errorDetails?: string
}

function renderError(error: unknown, request: ApiRequest): Reply {
  const { status, ...body } = rendered(error)
  const context = { requestId: request.correlationId, requestType: `incoming.${request.method}`, url: request.url }
  const headers = hasCode(error) ? headersOf(error) : {}
  return json(status, { ...body, context }, headers)
}

function rendered(error: unknown): Rendered {
  if (error instanceof IdentityError) {
    const { status, code, message, errorDetails } = error
    return { status, errorCode: code, errorMessage: message, errorDetails }
  }
  if (hasCode(error, 'ApiKeyNotFound')) {
    return { status: 400, errorCode: 'BXNIM0415E', errorMessage: 'Provided API key could not be found.' }
  }
  if (hasCode(error, 'RefreshTokenInvalid')) {
    return { status: 400, errorCode: 'BXNIM0407E', errorMessage: 'Provided refresh token is invalid.' }
  }
  if (hasCode(error, 'RefreshTokenExpired')) {
    return { status: 400, errorCode: 'BXNIM0408E', errorMessage: 'Provided refresh token is expired.' }
  }
  if (hasCode(error, 'InvalidToken', 'ExpiredToken')) {
    return { status: 400, errorCode: 'BXNIM0407E', errorMessage: 'Provided token is invalid or expired.' }
  }
  if (hasCode(error, 'NotPermitted')) {
    return { status: 403, errorCode: 'BXNIM0513E', errorMessage: 'The caller is not allowed to act for this resource.' }
  }
  if (hasCode(error, 'AuditUnavailable')) {
    return { status: 503, errorCode: 'BXNIM0098E', errorMessage: 'The service is temporarily unavailable.' }
  }
  if (isRequestError(error)) {
    return {
      status: requestErrorStatus(error.code),
      errorCode: 'BXNIM0106E',
      errorMessage: 'The request is not valid.',
      errorDetails: error.message,
    }
  }
  return { status: 500, errorCode: 'BXNIM0099E', errorMessage: 'Internal error.' }
}
