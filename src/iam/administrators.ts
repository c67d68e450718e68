import { CodedError } from '../base/errors.ts'
import { compilePolicy } from './compiled-policy.ts'
import type { IamErrorCode } from './errors.ts'
import type { Policy } from './policy.ts'
import { subjectOf, subjectOfIdentity } from './policy-shelves.ts'
import type { StoredUser } from './records.ts'
import type { IamState } from './state.ts'
import { isActive, isServiceId } from './users.ts'

/** What a change is about to make of a user or of a policy; `after` absent: it is gone. */
export type Loss =
  | { readonly of: 'user'; readonly before: StoredUser; readonly after?: StoredUser }
  | { readonly of: 'policy'; readonly before: Policy; readonly after?: Policy }

/**
 * An account that nobody administers can be mended by nobody in it: the change that would take its last Administrator is
 * refused. To be asked within the change itself, so that two cannot both be the last but one. Throws LastAdministrator.
 */
export function keepAdministrator(state: IamState, loss: Loss): void {
  const { accountId } = loss.before
  if (hasAdministrator(state, accountId, loss) || !hasAdministrator(state, accountId)) return
  throw new CodedError<IamErrorCode>(
    'LastAdministrator',
    'this would leave the account without an Administrator: make somebody else one first',
  )
}

function hasAdministrator(state: IamState, accountId: string, loss?: Loss): boolean {
  for (const user of state.users.values()) {
    if (user.accountId === accountId && isAdministrator(state, user, loss)) return true
  }
  return false
}

/** A person who gets in, and whose role is theirs at every hour. A service ID is an application, and manages no users. */
function isAdministrator(state: IamState, user: StoredUser, loss: Loss | undefined): boolean {
  const person = loss?.of === 'user' && loss.before.iamId === user.iamId ? loss.after : user
  if (!person || isServiceId(person) || !isActive(person)) return false
  if (person.roles.iam === 'Administrator') return true
  const subject = subjectOfIdentity(person.accountId, person.iamId)
  const changed = loss?.of === 'policy' ? loss : undefined
  const own = [...state.policies.all(subject)].map(({ policy }) => policy).filter(({ id }) => id !== changed?.before.id)
  const after = changed?.after && subjectOf(changed.after) === subject ? [changed.after] : []
  return [...own, ...after].some((policy) => makesAdministrator(state, policy))
}

function makesAdministrator(state: IamState, policy: Policy): boolean {
  if (policy.type !== 'access' || policy.state !== 'active' || policy.rule !== undefined) return false
  const { roles, covers } = compilePolicy(policy)
  const isGiven = roles.some((role) => role.kind === 'platform' && role.role === 'Administrator')
  return isGiven && covers({ service: 'iam', accountId: policy.accountId }, state.instances.get)
}
