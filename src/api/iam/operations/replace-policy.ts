import { CodedError } from '../../../base/errors.ts'
import type { IamErrorCode } from '../../../iam/errors.ts'
import type { Policy, PolicyDraft } from '../../../iam/policy.ts'
import type { ApiRequest } from '../../common/request.ts'
import type { PolicyContext } from '../context.ts'
import { findPolicy, requirePolicyPermission } from '../find-policy.ts'
import { type PolicyFace, policyReply } from '../policy-face.ts'
import { policyOperation } from '../policy-protocol.ts'
import { matchedRevision } from '../precondition.ts'
import { v1PolicyAnswer, v2PolicyAnswer } from '../reply-schemas.ts'
import { isBeyondV1, readV1Policy, v1PolicyBody, writeV1Policy } from '../v1-policy.ts'
import { readV2Policy, v2PolicyBody, writeV2Policy } from '../v2-policy.ts'

/** Takes the right to what it was for and to what it will be for. */
async function replace(
  { id }: Policy,
  revision: number,
  draft: PolicyDraft,
  face: PolicyFace,
  request: ApiRequest,
  context: PolicyContext,
) {
  const { iam, principal } = context
  if (draft.accountId === principal.accountId) requirePolicyPermission(context, 'iam.policy.update', draft)
  return policyReply(face, iam, await iam.policies.replace(id, draft, principal.iamId, revision), request)
}

export const replacePolicy = policyOperation({
  name: 'ReplacePolicy',
  method: 'PUT',
  path: '/v1/policies/:id',
  action: 'iam.policy.update',
  body: v1PolicyBody,
  reply: v1PolicyAnswer,
  run: async ({ request, body }, context) => {
    const found = findPolicy(request, context, 'iam.policy.update')
    const draft = readV1Policy(body, found.accountId)
    const revision = matchedRevision(request, found, 'PolicyChanged')
    if (isBeyondV1(found)) {
      throw new CodedError<IamErrorCode>(
        'PolicyUnsupported',
        'the policy says what v1 cannot: replace it by /v2/policies',
      )
    }
    return replace(found, revision, draft, writeV1Policy, request, context)
  },
})

export const replaceV2Policy = policyOperation({
  name: 'ReplaceV2Policy',
  method: 'PUT',
  path: '/v2/policies/:id',
  action: 'iam.policy.update',
  body: v2PolicyBody,
  reply: v2PolicyAnswer,
  run: async ({ request, body }, context) => {
    const found = findPolicy(request, context, 'iam.policy.update')
    const draft = readV2Policy(body, found.accountId)
    return replace(found, matchedRevision(request, found, 'PolicyChanged'), draft, writeV2Policy, request, context)
  },
})
