import { z } from 'zod'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { InUse } from '../../iam/resource-instances.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { faceRenderer } from '../common/face-renderer.ts'
import { type CallAudit, type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { json } from '../common/reply.ts'
import type { EntityContext, EntityErrorCode } from './entity-protocol.ts'
import { identityOf } from './identity-of.ts'

const errorReply = z.object({
  error_code: z.string(),
  message: z.string(),
  status_code: z.int(),
  transaction_id: z.string(),
})

export interface ResourceContext extends EntityContext {
  readonly inUse: InUse
}

export const resourceOperation = jsonOperations<ResourceContext>()

const BODY_LIMIT_BYTES = 64 * 1024

/** The resource controller: instances of services, and credentials for them. */
export function resourceProtocol(iam: Iam, inUse: InUse, audit: CallAudit): JsonProtocol<ResourceContext> {
  return {
    name: 'resource-controller',
    prefixes: [
      '/v2/resource_instances',
      '/v2/resource_keys',
      '/v2/resource_bindings',
      '/v2/resource_aliases',
      '/v1/reclamations',
    ],
    bodyLimitBytes: BODY_LIMIT_BYTES,
    authenticate: async (request) => ({ iam, inUse, principal: await identityOf(request, iam) }),
    audit,
    renderError,
    error: errorReply,
    replyHeaders: ({ correlationId }) => ({ 'Transaction-Id': correlationId }),
  }
}

const FACES = {
  InvalidToken: [401, 'RC-IamErrorResponse'],
  ExpiredToken: [401, 'RC-IamErrorResponse'],
  NotPermitted: [403, 'RC-IamErrorResponse'],
  EntityNotFound: [404, 'RC-ResourceNotFound'],
  UnknownAccount: [404, 'RC-ResourceNotFound'],
  EntityGone: [410, 'RC-ResourceGone'],
  EntityLocked: [400, 'RC-ResourceLocked'],
  InstanceInUse: [400, 'RC-ResourceHasDependencies'],
  IdentityInvalid: [400, 'RC-InvalidRequest'],
  IdentityConflict: [409, 'RC-Conflict'],
  PolicyInvalid: [400, 'RC-InvalidRequest'],
  PolicyUnsupported: [400, 'RC-InvalidRequest'],
  ParameterInvalid: [400, 'RC-InvalidRequest'],
  NoSpace: [503, 'RC-ServiceUnavailable'],
  AuditUnavailable: [503, 'RC-ServiceUnavailable'],
} as const satisfies Partial<
  Record<
    IamErrorCode | EntityErrorCode | AuditErrorCode | Extract<MetadataStoreErrorCode, 'NoSpace'>,
    readonly [number, string]
  >
>

const renderError = faceRenderer<readonly [number, string]>({
  faces: FACES,
  ofRequest: (status) => [status, status === 404 ? 'RC-ResourceNotFound' : 'RC-InvalidRequest'],
  internal: [500, 'RC-InternalError'],
  reply: ({ correlationId }, [status, code], message, headers) =>
    json(status, { error_code: code, message, status_code: status, transaction_id: correlationId }, headers),
})
