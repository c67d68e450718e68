import { noBody } from '../../common/json-operation.ts'
import { findPolicy } from '../find-policy.ts'
import { formatOf } from '../list-query.ts'
import { policyReply } from '../policy-face.ts'
import { policyOperation } from '../policy-protocol.ts'
import { v1PolicyAnswer, v2PolicyAnswer } from '../reply-schemas.ts'
import { writeV1Policy } from '../v1-policy.ts'
import { writeV2Policy } from '../v2-policy.ts'

/** A deleted policy is shown with its state, because its ETag is what restoring it needs. */
export const getPolicy = policyOperation({
  name: 'GetPolicy',
  method: 'GET',
  path: '/v1/policies/:id',
  action: 'iam.policy.read',
  body: noBody,
  reply: v1PolicyAnswer,
  run: async ({ request }, context) =>
    policyReply(writeV1Policy, context.iam, findPolicy(request, context, 'iam.policy.read'), request, {
      format: formatOf(request.query),
    }),
})

export const getV2Policy = policyOperation({
  name: 'GetV2Policy',
  method: 'GET',
  path: '/v2/policies/:id',
  action: 'iam.policy.read',
  body: noBody,
  reply: v2PolicyAnswer,
  run: async ({ request }, context) =>
    policyReply(writeV2Policy, context.iam, findPolicy(request, context, 'iam.policy.read'), request, {
      format: formatOf(request.query),
    }),
})
