import { findPolicy, matchedRevision } from '../find-policy.ts'
import { policyOperation } from '../policy-protocol.ts'
import { policyBody, policyReply, readPolicy } from '../policy-wire.ts'

export const replacePolicy = policyOperation({
  name: 'ReplacePolicy',
  method: 'PUT',
  path: '/v1/policies/:id',
  action: 'iam.policy.update',
  body: policyBody,
  run: async ({ request, body }, context) => {
    const found = findPolicy(request, context, 'iam.policy.update')
    const draft = readPolicy(body, found.accountId)
    const revision = matchedRevision(request, found)
    return policyReply(
      200,
      await context.iam.authorizations.replace(found.id, draft, context.principal.iamId, revision),
      request,
    )
  },
})
