import { requirePermission } from '../context.ts'
import { policyOperation } from '../policy-protocol.ts'
import { policyBody, policyReply, readPolicy } from '../policy-wire.ts'

/** The policy lives in the account of its target, so that is where the caller needs the right. */
export const createPolicy = policyOperation({
  name: 'CreatePolicy',
  method: 'POST',
  path: '/v1/policies',
  action: 'iam.policy.create',
  body: policyBody,
  run: async ({ request, body }, context) => {
    const draft = readPolicy(body, context.principal.accountId)
    requirePermission(context, 'iam.policy.create', draft.accountId)
    return policyReply(201, await context.iam.authorizations.create(draft, context.principal.iamId), request)
  },
})
