import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyPolicyQuery, policyResources } from '../key-policies.ts'
import { keyPoliciesReply } from '../reply-schemas.ts'
import { takesPolicy } from '../taken-queries.ts'

export const getKeyPolicies = defineOperation({
  name: 'GetPolicy',
  method: 'GET',
  path: '/api/v2/keys/:id/policies',
  action: 'kms.policies.read',
  body: noBody,
  takes: takesPolicy,
  reply: keyPoliciesReply,
  run: async ({ request }, { kms, caller }) => {
    const only = keyPolicyQuery(request.query)
    const view = kms.getKeyPolicies(caller, request.param('id'))
    return json(200, collection('policy', policyResources(view, only)))
  },
})
