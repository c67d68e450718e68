import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { instancePolicyQuery, instancePolicyResources } from '../instance-policies.ts'
import { instancePoliciesReply } from '../reply-schemas.ts'
import { takesPolicy } from '../taken-queries.ts'

export const getInstancePolicies = defineOperation({
  name: 'GetInstancePolicy',
  method: 'GET',
  path: '/api/v2/instance/policies',
  action: 'kms.instance-policies.read',
  body: noBody,
  takes: takesPolicy,
  reply: instancePoliciesReply,
  run: async ({ request }, { kms, caller }) => {
    const only = instancePolicyQuery(request.query)
    return json(200, collection('policy', instancePolicyResources(kms.getInstancePolicies(caller), only)))
  },
})
