import type { ApiKey } from '../../../../iam/api-key-management.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requireApiKeyAccess } from '../../entity-access.ts'
import type { EntityContext } from '../../entity-protocol.ts'

/** The API key of the path. Throws EntityNotFound, NotPermitted. */
export function findApiKey(
  request: ApiRequest,
  context: EntityContext,
  action: 'iam-identity.apikey.get' | 'iam-identity.apikey.manage',
): ApiKey {
  return requireApiKeyAccess(context, context.iam.apiKeys.get(request.param('id')), action)
}
