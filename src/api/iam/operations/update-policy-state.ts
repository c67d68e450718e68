import { z } from 'zod'
import { findPolicy } from '../find-policy.ts'
import { policyReply } from '../policy-face.ts'
import { policyOperation } from '../policy-protocol.ts'
import { matchedRevision } from '../precondition.ts'
import { v1PolicyAnswer } from '../reply-schemas.ts'
import { writeV1Policy } from '../v1-policy.ts'

/** `{"state":"active"}` brings a deleted policy back; `deleted` takes the right to delete it. */
export const updatePolicyState = policyOperation({
  name: 'UpdatePolicyState',
  method: 'PATCH',
  path: '/v1/policies/:id',
  action: 'iam.policy.update',
  body: z.strictObject({ state: z.enum(['active', 'deleted']) }),
  reply: v1PolicyAnswer,
  run: async ({ request, body }, context) => {
    const found = findPolicy(request, context, body.state === 'deleted' ? 'iam.policy.delete' : 'iam.policy.update')
    const revision = matchedRevision(request, found, 'PolicyChanged')
    const { iam, principal } = context
    const policy = await iam.policies.setState(found.id, body.state, principal.iamId, revision)
    return policyReply(writeV1Policy, iam, policy, request)
  },
})
