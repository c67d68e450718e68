import { findRole, roleChange, roleReply } from '../custom-role.ts'
import { policyOperation } from '../policy-protocol.ts'
import { matchedRevision } from '../precondition.ts'
import { customRoleAnswer } from '../reply-schemas.ts'

/** Whoever was granted the role has the new actions, and only those, from this answer on. */
export const replaceRole = policyOperation({
  name: 'ReplaceRole',
  method: 'PUT',
  path: '/v2/roles/:id',
  action: 'iam.role.update',
  body: roleChange,
  reply: customRoleAnswer,
  run: async ({ request, body }, context) => {
    const found = findRole(request, context, 'iam.role.update')
    const revision = matchedRevision(request, found, 'RoleChanged')
    const { display_name: displayName, description, actions } = body
    const { iam, principal } = context
    const draft = { displayName, description, actions }
    return roleReply(200, await iam.customRoles.replace(found.id, draft, principal.iamId, revision), request)
  },
})
