import { json } from '../../common/reply.ts'
import { keyPoliciesBody, resourcesOf } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyPolicyQuery, mergedPolicies, policyResources } from '../key-policies.ts'
import { keyPoliciesReply } from '../reply-schemas.ts'
import { takesPolicy } from '../taken-queries.ts'

export const putKeyPolicies = defineOperation({
  name: 'PutPolicy',
  method: 'PUT',
  path: '/api/v2/keys/:id/policies',
  action: 'kms.policies.write',
  body: keyPoliciesBody,
  takes: takesPolicy,
  reply: keyPoliciesReply,
  run: async ({ request, body }, { kms, caller }) => {
    const only = keyPolicyQuery(request.query)
    const wanted = mergedPolicies(resourcesOf(body), only)
    const view = await kms.setKeyPolicies(caller, request.param('id'), wanted)
    return json(200, collection('policy', policyResources(view, only)))
  },
})
