import type { Action } from '../../../../iam/actions.ts'
import type { Person } from '../../../../iam/user-management.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import type { EntityContext } from '../../entity-protocol.ts'

/** The user of the path. `forSelf`: everybody may do it to themselves. Throws NotPermitted, UnknownUser. */
export function findPerson(request: ApiRequest, context: EntityContext, action: Action, forSelf = false): Person {
  const { iam, principal } = context
  const id = { accountId: request.param('account_id'), iamId: request.param('iam_id') }
  const isSelf = id.accountId === principal.accountId && id.iamId === principal.iamId
  if (!forSelf || !isSelf) requirePermission(context, action, id.accountId)
  return iam.people.get(id)
}
