import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { findRole } from '../custom-role.ts'
import { policyOperation } from '../policy-protocol.ts'

export const deleteRole = policyOperation({
  name: 'DeleteRole',
  method: 'DELETE',
  path: '/v2/roles/:id',
  action: 'iam.role.delete',
  body: noBody,
  run: async ({ request }, context) => {
    await context.iam.customRoles.delete(findRole(request, context, 'iam.role.delete').id)
    return empty(204)
  },
})
