import type { IamAction } from '../../../../iam/actions.ts'
import type { ServiceId } from '../../../../iam/service-ids.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import type { EntityContext } from '../../entity-protocol.ts'

/** The service ID of the path, in the caller's account: those of others do not exist. Throws NotPermitted, EntityNotFound. */
export function findServiceId(request: ApiRequest, context: EntityContext, action: IamAction): ServiceId {
  const { accountId } = context.principal
  requirePermission(context, action, accountId)
  return context.iam.serviceIds.get(accountId, request.param('id'))
}
