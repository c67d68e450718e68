import { type CodedError, hasCode } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { InUse } from '../../iam/resource-instances.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { type JsonProtocol, jsonOperations } from '../common/json-operation.ts'
import { allowHeader, isRequestError, requestErrorStatus } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { callAudit } from './audit.ts'
import { identityOf } from './bearer-token.ts'
import type { EntityContext, EntityErrorCode } from './entity-protocol.ts'

export interface ResourceContext extends EntityContext {
  readonly inUse: InUse
}

export const resourceOperation = jsonOperations<ResourceContext>()

const BODY_LIMIT_BYTES = 64 * 1024

/** The resource controller: instances of services, and credentials for them. */
export function resourceProtocol(iam: Iam, inUse: InUse): JsonProtocol<ResourceContext> {
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
    audit: callAudit(iam.audit),
    renderError,
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

const isFaced = (error: unknown): error is CodedError<keyof typeof FACES> =>
  hasCode(error) && Object.hasOwn(FACES, error.code)

function renderError(error: unknown, request: ApiRequest): Reply {
  if (isFaced(error)) {
    const [status, code] = FACES[error.code]
    return errorReply(request, status, code, error.message)
  }
  if (isRequestError(error)) {
    const status = requestErrorStatus(error.code)
    const code = status === 404 ? 'RC-ResourceNotFound' : 'RC-InvalidRequest'
    return errorReply(request, status, code, error.message, allowHeader(error))
  }
  return errorReply(request, 500, 'RC-InternalError', 'internal error')
}

function errorReply({ correlationId }: ApiRequest, status: number, code: string, message: string, headers = {}): Reply {
  return json(status, { error_code: code, message, status_code: status, transaction_id: correlationId }, headers)
}
