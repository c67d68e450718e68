import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { UserPrincipal } from '../../iam/principal.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { faceRenderer } from '../common/face-renderer.ts'
import { type CallAudit, type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { json } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { identityOf } from './identity-of.ts'
import { type ContextAnswer, contextAnswer } from './reply-schemas.ts'

const errorReply = z.object({
  context: contextAnswer,
  status_code: z.string(),
  errors: z.array(z.object({ code: z.string(), message_code: z.string(), message: z.string(), details: z.string() })),
  trace: z.string(),
})

/** What an operation on identities and credentials may touch, and for whom. */
export interface EntityContext {
  readonly iam: Iam
  readonly principal: UserPrincipal
}

export const entityOperation = jsonOperations<EntityContext>()

const BODY_LIMIT_BYTES = 64 * 1024

/** IAM Identity Services: service IDs and API keys; and the keys that sign tokens, which are Coffer's own. */
export function entityProtocol(iam: Iam, audit: CallAudit): JsonProtocol<EntityContext> {
  return {
    name: 'iam-identity',
    prefixes: ['/v1/serviceids', '/v1/apikeys', '/coffer/v1/signing-keys'],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => ({ iam, principal: await identityOf(request, iam) }),
    audit,
    renderError,
    error: errorReply,
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
  LastAdministrator: [409, 'conflict', 'BXNIM0104E'],
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

const renderError = faceRenderer<readonly [number, string, string]>({
  faces: FACES,
  ofRequest: (status) => [status, status === 404 ? 'not_found' : 'invalid_request', 'BXNIM0106E'],
  internal: [500, 'internal_error', 'BXNIM0099E'],
  reply: (request, [status, code, messageCode], message, headers) => {
    const errors = [{ code, message_code: messageCode, message, details: message }]
    const body = { context: contextOf(request), status_code: String(status), errors, trace: request.correlationId }
    return json(status, body, headers)
  },
})

export const contextOf = ({ correlationId, method, url }: ApiRequest): ContextAnswer => ({
  transaction_id: correlationId,
  operation: method,
  url,
})
