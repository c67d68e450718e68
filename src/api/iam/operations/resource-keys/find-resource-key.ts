import type { IamAction } from '../../../../iam/actions.ts'
import type { StoredResourceKey } from '../../../../iam/records.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import type { ResourceContext } from '../../resource-protocol.ts'

/** The resource key of the path, of the caller's account. Throws NotPermitted, EntityNotFound. */
export function findResourceKey(request: ApiRequest, context: ResourceContext, action: IamAction): StoredResourceKey {
  const { accountId } = context.principal
  requirePermission(context, action, accountId)
  return context.iam.resourceKeys.get(accountId, request.param('id'))
}
