import { z } from 'zod'
import type { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { principalOf } from '../common/bearer-token.ts'
import { faceRenderer } from '../common/face-renderer.ts'
import { type CallAudit, type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { json } from '../common/reply.ts'
import { type PolicyContext, refuseSessionToken } from './context.ts'

const errorReply = z.object({
  trace: z.string(),
  errors: z.array(
    z.object({
      code: z.string(),
      message: z.string(),
      details: z
        .object({
          conflicts_with: z.object({ policy: z.string(), role: z.string(), etag: z.string() }).partial(),
        })
        .optional(),
    }),
  ),
  status_code: z.int(),
})

export const policyOperation = jsonOperations<PolicyContext>()

const BODY_LIMIT_BYTES = 256 * 1024

export function policyProtocol(iam: Iam, audit: CallAudit): JsonProtocol<PolicyContext> {
  return {
    name: 'iam-policies',
    prefixes: [
      '/v1/policies',
      '/v2/policies',
      '/v2/roles',
      '/v1/policy_templates',
      '/v1/policy_assignments',
      '/v1/action_control_templates',
      '/v1/action_control_assignments',
      '/v1/role_templates',
      '/v1/role_assignments',
      '/v1/accounts',
    ],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => {
      const principal = await principalOf(request, iam)
      refuseSessionToken(principal)
      return { iam, principal }
    },
    audit,
    renderError,
    error: errorReply,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

/** What only this API finds wrong. */
export type PolicyErrorCode =
  /** A call of IAM that this server does not have; the message names it. */
  'NotSupported' | 'ParameterMissing' | 'ParameterInvalid' | 'PreconditionMissing'

const FACES = {
  InvalidToken: [401, 'invalid_token'],
  ExpiredToken: [401, 'invalid_token'],
  // IBM's spelling.
  NotPermitted: [403, 'insufficent_permissions'],
  PolicyNotFound: [404, 'policy_not_found'],
  PolicyConflict: [409, 'policy_conflict_error'],
  LastAdministrator: [409, 'policy_conflict_error'],
  PolicyChanged: [412, 'policy_conflict_error'],
  PolicyInvalid: [400, 'invalid_body'],
  PolicyUnsupported: [400, 'invalid_body'],
  RoleNotFound: [404, 'role_not_found'],
  RoleConflict: [409, 'role_conflict_error'],
  RoleChanged: [412, 'role_conflict_error'],
  RoleInvalid: [400, 'invalid_body'],
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

const renderError = faceRenderer<readonly [number, string]>({
  faces: FACES,
  ofRequest: (status, code) => [
    status,
    status === 404 ? 'not_found' : code.startsWith('Body') ? 'invalid_body' : 'request_not_processed',
  ],
  internal: [500, 'request_not_processed'],
  reply: ({ correlationId }, [status, code], message, headers, error) => {
    const errors = [{ code, message, ...(error && conflict(error)) }]
    return json(status, { trace: correlationId, errors, status_code: status }, headers)
  },
})

/** What the caller ran into: another policy or role, or another revision. */
function conflict({ details: { policy, role, etag } }: CodedError): object {
  const conflicts_with = { policy, role, etag }
  return Object.values(conflicts_with).some((value) => value !== undefined) ? { details: { conflicts_with } } : {}
}
