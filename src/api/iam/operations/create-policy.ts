import type { PolicyDraft } from '../../../iam/policy.ts'
import type { ApiRequest } from '../../common/request.ts'
import type { PolicyContext } from '../context.ts'
import { requirePolicyPermission } from '../find-policy.ts'
import { type PolicyFace, policyReply } from '../policy-face.ts'
import { policyOperation } from '../policy-protocol.ts'
import { v1PolicyAnswer, v2PolicyAnswer } from '../reply-schemas.ts'
import { readV1Policy, v1PolicyBody, writeV1Policy } from '../v1-policy.ts'
import { readV2Policy, v2PolicyBody, writeV2Policy } from '../v2-policy.ts'

/** The policy lives in the account of its resource, so that is where the caller needs the right. */
async function create(draft: PolicyDraft, face: PolicyFace, request: ApiRequest, context: PolicyContext) {
  requirePolicyPermission(context, 'iam.policy.create', draft)
  const { iam, principal } = context
  return policyReply(face, iam, await iam.policies.create(draft, principal.iamId), request, { status: 201 })
}

export const createPolicy = policyOperation({
  name: 'CreatePolicy',
  method: 'POST',
  path: '/v1/policies',
  action: 'iam.policy.create',
  body: v1PolicyBody,
  reply: v1PolicyAnswer,
  run: async ({ request, body }, context) =>
    create(readV1Policy(body, context.principal.accountId), writeV1Policy, request, context),
})

export const createV2Policy = policyOperation({
  name: 'CreateV2Policy',
  method: 'POST',
  path: '/v2/policies',
  action: 'iam.policy.create',
  body: v2PolicyBody,
  reply: v2PolicyAnswer,
  run: async ({ request, body }, context) =>
    create(readV2Policy(body, context.principal.accountId), writeV2Policy, request, context),
})
