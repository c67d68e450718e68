import type { Action } from '../../iam/actions.ts'
import type { ApiKey } from '../../iam/api-key-management.ts'
import { notFound } from '../../iam/entity-life.ts'
import { requirePermission } from './context.ts'
import type { EntityContext } from './entity-protocol.ts'

export function mayInAccount({ iam, principal }: EntityContext, action: Action, accountId: string): boolean {
  return iam.decide(principal, action, { service: 'iam', accountId }).allowed
}

/** A person's own keys are theirs. A service ID's are not its own: a leaked key could make others that outlive it. */
const isOwn = ({ principal }: EntityContext, key: ApiKey): boolean =>
  principal.type === 'user' && key.iamId === principal.iamId && key.accountId === principal.accountId

/** Another account's keys do not exist for the caller. Throws EntityNotFound, NotPermitted. */
export function requireApiKeyAccess(
  context: EntityContext,
  key: ApiKey,
  action: 'iam-identity.apikey.get' | 'iam-identity.apikey.manage',
): ApiKey {
  if (key.accountId !== context.principal.accountId) throw notFound('API key')
  if (!isOwn(context, key)) requirePermission(context, action, key.accountId)
  return key
}
