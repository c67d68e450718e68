import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { findPolicy } from '../find-policy.ts'
import { policyOperation } from '../policy-protocol.ts'

/** The rights end with this answer. */
export const deletePolicy = policyOperation({
  name: 'DeletePolicy',
  method: 'DELETE',
  path: '/v1/policies/:id',
  action: 'iam.policy.delete',
  body: noBody,
  run: async ({ request }, context) => {
    const { id } = findPolicy(request, context, 'iam.policy.delete')
    await context.iam.authorizations.delete(id, context.principal.iamId)
    return empty(204)
  },
})
