import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { PolicyContext } from './context.ts'
import { pageOf } from './list-page.ts'
import { readOrder, readPolicyQuery } from './list-query.ts'
import type { PolicyFace } from './policy-face.ts'

/** Those of the account that the caller may read: none is an empty list, another account is refused. */
export function listPolicies(face: PolicyFace, request: ApiRequest, { iam, principal }: PolicyContext): Reply {
  const { accountId, format, matches } = readPolicyQuery(request)
  if (accountId !== principal.accountId)
    throw new CodedError<IamErrorCode>('NotPermitted', 'you are not allowed to see the policies of another account')
  const found = Array.from(iam.policies.list(accountId)).filter(
    (policy) => matches(policy) && iam.decidePolicy(principal, 'iam.policy.read', policy).allowed,
  )
  const { policies, links } = pageOf(request, found, readOrder(request, iam, format))
  return json(200, { ...links, policies: policies.map((policy) => face(iam, policy, request, format)) })
}
