import { CodedError } from '../../base/errors.ts'
import type { PolicyAction } from '../../iam/decide-policy.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Policy, PolicyDraft } from '../../iam/policy.ts'
import type { ApiRequest } from '../common/request.ts'
import type { PolicyContext } from './context.ts'

/** The policy of the path, for a caller who may do `action` to it. Another account's policies do not exist for the caller. */
export function findPolicy(request: ApiRequest, context: PolicyContext, action: PolicyAction): Policy {
  const found = context.iam.policies.get(request.param('id'))
  if (!found || found.accountId !== context.principal.accountId) {
    throw new CodedError<IamErrorCode>('PolicyNotFound', 'there is no policy with this id')
  }
  requirePolicyPermission(context, action, found)
  return found
}

/** Throws NotPermitted. */
export function requirePolicyPermission(
  { iam, principal }: PolicyContext,
  action: PolicyAction,
  policy: PolicyDraft,
): void {
  const { allowed, reason } = iam.decidePolicy(principal, action, policy)
  if (!allowed) throw new CodedError<IamErrorCode>('NotPermitted', `you are not allowed to do this: ${reason}`)
}
