import { noBody } from '../../common/json-operation.ts'
import { empty, type Reply } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import type { PolicyContext } from '../context.ts'
import { findPolicy } from '../find-policy.ts'
import { policyOperation } from '../policy-protocol.ts'

/** The rights end with this answer. */
async function remove(request: ApiRequest, context: PolicyContext): Promise<Reply> {
  const { id } = findPolicy(request, context, 'iam.policy.delete')
  await context.iam.policies.delete(id, context.principal.iamId)
  return empty(204)
}

export const deletePolicy = policyOperation({
  name: 'DeletePolicy',
  method: 'DELETE',
  path: '/v1/policies/:id',
  action: 'iam.policy.delete',
  body: noBody,
  run: async ({ request }, context) => remove(request, context),
})

export const deleteV2Policy = policyOperation({
  name: 'DeleteV2Policy',
  method: 'DELETE',
  path: '/v2/policies/:id',
  action: 'iam.policy.delete',
  body: noBody,
  run: async ({ request }, context) => remove(request, context),
})
