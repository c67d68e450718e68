import { empty } from '../../common/reply.ts'
import { instancePoliciesBody, resourcesOf } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { instancePolicyQuery, wantedInstancePolicies } from '../instance-policies.ts'
import { takesPolicy } from '../taken-queries.ts'

export const putInstancePolicies = defineOperation({
  name: 'PutInstancePolicy',
  method: 'PUT',
  path: '/api/v2/instance/policies',
  action: 'kms.instance-policies.write',
  body: instancePoliciesBody,
  takes: takesPolicy,
  run: async ({ request, body }, { kms, caller }) => {
    const wanted = wantedInstancePolicies(resourcesOf(body), instancePolicyQuery(request.query))
    await kms.setInstancePolicies(caller, wanted)
    return empty(204)
  },
})
