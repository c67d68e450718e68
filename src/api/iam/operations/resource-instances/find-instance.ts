import type { IamAction } from '../../../../iam/actions.ts'
import type { ResourceInstance } from '../../../../iam/resource-instances.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import type { ResourceContext } from '../../resource-protocol.ts'

/** The instance of the path, of the caller's account: those of others do not exist. Throws NotPermitted, EntityNotFound. */
export function findInstance(request: ApiRequest, context: ResourceContext, action: IamAction): ResourceInstance {
  const { accountId } = context.principal
  requirePermission(context, action, accountId)
  return context.iam.resourceInstances.get(accountId, request.param('id'))
}
