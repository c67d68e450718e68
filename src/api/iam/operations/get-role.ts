import { noBody } from '../../common/json-operation.ts'
import { findRole, roleReply } from '../custom-role.ts'
import { policyOperation } from '../policy-protocol.ts'
import { customRoleAnswer } from '../reply-schemas.ts'

export const getRole = policyOperation({
  name: 'GetRole',
  method: 'GET',
  path: '/v2/roles/:id',
  action: 'iam.role.read',
  body: noBody,
  reply: customRoleAnswer,
  run: async ({ request }, context) => roleReply(200, findRole(request, context, 'iam.role.read'), request),
})
