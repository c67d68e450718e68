import { z } from 'zod'
import { CodedError } from '../../../base/errors.ts'
import type { IamErrorCode } from '../../../iam/errors.ts'
import { SERVICE_NAMES } from '../../../iam/principal.ts'
import { requirePermission } from '../context.ts'
import { roleChange, roleReply } from '../custom-role.ts'
import { policyOperation } from '../policy-protocol.ts'
import { customRoleAnswer } from '../reply-schemas.ts'

export const createRole = policyOperation({
  name: 'CreateRole',
  method: 'POST',
  path: '/v2/roles',
  action: 'iam.role.create',
  body: z.strictObject({ ...roleChange.shape, name: z.string(), account_id: z.string(), service_name: z.string() }),
  reply: customRoleAnswer,
  run: async ({ request, body }, context) => {
    const { name, account_id: accountId, service_name, display_name: displayName, description, actions } = body
    requirePermission(context, 'iam.role.create', accountId)
    const serviceName = SERVICE_NAMES.find((known) => known === service_name)
    if (!serviceName)
      throw new CodedError<IamErrorCode>('RoleInvalid', `service_name must be one of ${SERVICE_NAMES.join(', ')}`)
    const draft = { accountId, serviceName, name, displayName, description, actions }
    return roleReply(201, await context.iam.customRoles.create(draft, context.principal.iamId), request)
  },
})
