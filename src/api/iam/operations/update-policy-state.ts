import { z } from 'zod'
import { findPolicy, matchedRevision } from '../find-policy.ts'
import { policyOperation } from '../policy-protocol.ts'
import { policyReply } from '../policy-wire.ts'

/** `{"state":"active"}` brings a deleted policy back. */
export const updatePolicyState = policyOperation({
  name: 'UpdatePolicyState',
  method: 'PATCH',
  path: '/v1/policies/:id',
  action: 'iam.policy.update',
  body: z.strictObject({ state: z.enum(['active', 'deleted']) }),
  run: async ({ request, body }, context) => {
    const found = findPolicy(request, context, 'iam.policy.update')
    const revision = matchedRevision(request, found)
    return policyReply(
      200,
      await context.iam.authorizations.setState(found.id, body.state, context.principal.iamId, revision),
      request,
    )
  },
})
