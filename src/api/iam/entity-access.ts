import { CodedError } from '../../base/errors.ts'
import type { Action } from '../../iam/actions.ts'
import type { ApiKey } from '../../iam/api-key-management.ts'
import { notFound } from '../../iam/entity-life.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { EntityContext } from './entity-protocol.ts'

export function mayInAccount({ iam, principal }: EntityContext, action: Action, accountId: string): boolean {
  return iam.decide(principal, action, { service: 'iam', accountId }).allowed
}

/** Throws NotPermitted. */
export function requireInAccount({ iam, principal }: EntityContext, action: Action, accountId: string): void {
  const { allowed, reason } = iam.decide(principal, action, { service: 'iam', accountId })
  if (!allowed) throw new CodedError<IamErrorCode>('NotPermitted', `you are not allowed to do this: ${reason}`)
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
  if (!isOwn(context, key)) requireInAccount(context, action, key.accountId)
  return key
}
