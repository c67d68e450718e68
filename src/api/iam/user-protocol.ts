import { z } from 'zod'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { faceRenderer } from '../common/face-renderer.ts'
import type { CallAudit, JsonProtocol } from '../common/json-operation.ts'
import { json } from '../common/reply.ts'
import type { EntityContext, EntityErrorCode } from './entity-protocol.ts'
import { identityOf } from './identity-of.ts'

const errorReply = z.object({
  trace: z.string(),
  errors: z.array(z.object({ code: z.string(), message: z.string() })),
  status_code: z.int(),
})

const BODY_LIMIT_BYTES = 256 * 1024

/** User Management: the people of an account. */
export function userProtocol(iam: Iam, audit: CallAudit): JsonProtocol<EntityContext> {
  return {
    name: 'user-management',
    prefixes: ['/v2/accounts', '/v3/accounts', '/v2/users'],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => ({ iam, principal: await identityOf(request, iam) }),
    audit,
    renderError,
    error: errorReply,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

const FACES = {
  InvalidToken: [401, 'invalid_token'],
  ExpiredToken: [401, 'invalid_token'],
  NotPermitted: [403, 'not_authorized'],
  UnknownUser: [404, 'user_not_found'],
  UnknownAccount: [404, 'account_not_found'],
  IdentityConflict: [409, 'user_conflict'],
  LastAdministrator: [409, 'user_conflict'],
  IdentityInvalid: [400, 'invalid_parameter'],
  ParameterInvalid: [400, 'invalid_parameter'],
  PolicyInvalid: [400, 'invalid_parameter'],
  PolicyUnsupported: [400, 'invalid_parameter'],
  PolicyConflict: [409, 'policy_conflict'],
  NoSpace: [503, 'service_unavailable'],
  AuditUnavailable: [503, 'service_unavailable'],
} as const satisfies Partial<
  Record<
    IamErrorCode | EntityErrorCode | AuditErrorCode | Extract<MetadataStoreErrorCode, 'NoSpace'>,
    readonly [number, string]
  >
>

const renderError = faceRenderer<readonly [number, string]>({
  faces: FACES,
  ofRequest: (status) => [status, status === 404 ? 'not_found' : 'invalid_parameter'],
  internal: [500, 'internal_error'],
  reply: ({ correlationId }, [status, code], message, headers) =>
    json(status, { trace: correlationId, errors: [{ code, message }], status_code: status }, headers),
})
