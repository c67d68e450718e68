import { noBody } from '../../common/json-operation.ts'
import { listPolicies as list } from '../list-policies.ts'
import { policyOperation } from '../policy-protocol.ts'
import { v1PoliciesAnswer, v2PoliciesAnswer } from '../reply-schemas.ts'
import { takesPolicies } from '../taken-queries.ts'
import { writeV1Policy } from '../v1-policy.ts'
import { writeV2Policy } from '../v2-policy.ts'

export const listPolicies = policyOperation({
  name: 'ListPolicies',
  method: 'GET',
  path: '/v1/policies',
  action: 'iam.policy.read',
  body: noBody,
  takes: takesPolicies,
  reply: v1PoliciesAnswer,
  run: async ({ request }, context) => list(writeV1Policy, request, context),
})

export const listV2Policies = policyOperation({
  name: 'ListV2Policies',
  method: 'GET',
  path: '/v2/policies',
  action: 'iam.policy.read',
  body: noBody,
  takes: takesPolicies,
  reply: v2PoliciesAnswer,
  run: async ({ request }, context) => list(writeV2Policy, request, context),
})
