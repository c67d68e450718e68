import { noBody } from '../../common/json-operation.ts'
import { findPolicy } from '../find-policy.ts'
import { policyOperation } from '../policy-protocol.ts'
import { policyReply } from '../policy-wire.ts'

/** A deleted policy is shown with its state, because its ETag is what restoring it needs. */
export const getPolicy = policyOperation({
  name: 'GetPolicy',
  method: 'GET',
  path: '/v1/policies/:id',
  action: 'iam.policy.read',
  body: noBody,
  run: async ({ request }, context) => policyReply(200, findPolicy(request, context, 'iam.policy.read'), request),
})
