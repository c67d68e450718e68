import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { IamAction } from '../../iam/actions.ts'
import { type CustomRole, crnOfRole } from '../../iam/custom-role.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { type PolicyContext, requirePermission } from './context.ts'
import { etagOf } from './policy-face.ts'
import type { CustomRoleAnswer } from './reply-schemas.ts'

const text = z.string().min(1).max(1000)
/** What can be changed of a role. */
export const roleChange = z.strictObject({
  display_name: text,
  description: z.string().max(1000).optional(),
  actions: z.array(text).max(1000),
})

export function writeCustomRole(role: CustomRole, request: ApiRequest): CustomRoleAnswer {
  return {
    id: role.id,
    name: role.name,
    display_name: role.displayName,
    ...(role.description === undefined ? {} : { description: role.description }),
    actions: role.actions,
    crn: crnOfRole(role),
    account_id: role.accountId,
    service_name: role.serviceName,
    href: `${new URL(request.url).origin}/v2/roles/${role.id}`,
    created_at: new Date(role.createdAtMs).toISOString(),
    created_by_id: role.createdBy,
    last_modified_at: new Date(role.modifiedAtMs).toISOString(),
    last_modified_by_id: role.modifiedBy,
  }
}

export const roleReply = (status: number, role: CustomRole, request: ApiRequest): Reply =>
  json(status, writeCustomRole(role, request), { ETag: etagOf(role) })

/** The role of the path, for a caller who may do `action` to the account's roles. */
export function findRole(request: ApiRequest, context: PolicyContext, action: IamAction): CustomRole {
  const found = context.iam.customRoles.get(request.param('id'))
  if (!found || found.accountId !== context.principal.accountId)
    throw new CodedError<IamErrorCode>('RoleNotFound', 'there is no role with this id')
  requirePermission(context, action, found.accountId)
  return found
}
