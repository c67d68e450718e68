import { CodedError } from '../../base/errors.ts'
import type { IamAction } from '../../iam/actions.ts'
import type { Authorization } from '../../iam/authorizations.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { ApiRequest } from '../common/request.ts'
import { type PolicyContext, requirePermission } from './context.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'
import { etagOf } from './policy-wire.ts'

/** The policy of the path, for a caller who may do `action` to it. Another account's policies do not exist for the caller. */
export function findPolicy(request: ApiRequest, context: PolicyContext, action: IamAction): Authorization {
  const id = request.param('id')
  const found = context.iam.authorizations.get(id)
  if (!found || found.accountId !== context.principal.accountId) {
    throw new CodedError<IamErrorCode>('AuthorizationNotFound', 'there is no policy with this id')
  }
  requirePermission(context, action, found.accountId)
  return found
}

/** The revision that the caller has seen. Throws PreconditionMissing, AuthorizationConflict. */
export function matchedRevision(request: ApiRequest, found: Authorization): number {
  const wanted = request.header('if-match')
  if (wanted === undefined)
    throw new CodedError<PolicyErrorCode>('PreconditionMissing', 'the header If-Match is required')
  if (wanted !== '*' && wanted !== etagOf(found)) {
    throw new CodedError<IamErrorCode>('AuthorizationConflict', 'the policy has changed: If-Match is not its ETag')
  }
  return found.revision
}
