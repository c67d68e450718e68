import { CodedError } from '../base/errors.ts'
import { compilePolicy } from './compiled-policy.ts'
import type { IamErrorCode } from './errors.ts'
import { userKey } from './keyspace.ts'
import type { Policy } from './policy.ts'
import { subjectOf, subjectOfIdentity } from './policy-shelves.ts'
import type { StoredApiKey, StoredUser, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { isActive, isServiceId } from './users.ts'

/** What a change is about to make of a user, a policy or an API key; `after` absent: it is gone. */
export type Loss =
  | { readonly of: 'user'; readonly before: StoredUser; readonly after?: StoredUser }
  | { readonly of: 'policy'; readonly before: Policy; readonly after?: Policy }
  | { readonly of: 'api-key'; readonly before: StoredApiKey; readonly after?: StoredApiKey }

/** Of an account, or of somebody in it: who can come in and mend what is wrong. The more, the longer. */
const STANDING = { nobody: 0, withoutKey: 1, withKeyThatExpires: 2, withKey: 3 } as const
type Standing = (typeof STANDING)[keyof typeof STANDING]

/**
 * An account that nobody administers can be mended by nobody in it: the change that would take its last Administrator, or
 * the last API key that one comes in with, is refused. To be asked within the change itself, so that two cannot both be the
 * last but one. Throws LastAdministrator.
 */
export function keepAdministrator(state: IamState, loss: Loss): void {
  const { accountId } = loss.before
  const after = standing(state, accountId, loss)
  if (after === STANDING.withKey || after >= standing(state, accountId)) return
  throw new CodedError<IamErrorCode>(
    'LastAdministrator',
    after === STANDING.nobody
      ? 'this would leave the account without an Administrator: make somebody else one first'
      : 'this would leave the account without an Administrator who has a lasting API key: make one first',
  )
}

function standing(state: IamState, accountId: string, loss?: Loss): Standing {
  let best: Standing = STANDING.nobody
  for (const user of state.users.values()) {
    if (user.accountId !== accountId || !isAdministrator(state, user, loss)) continue
    const own = standingOf(state, user, loss)
    if (own === STANDING.withKey) return own
    if (own > best) best = own
  }
  return best
}

/**
 * Of an Administrator. An HMAC pair does not count: no token is got with it, and what it opens gives nobody the right to a key
 * or an account. A key that is locked works.
 */
function standingOf({ apiKeys, clock }: IamState, user: UserId, loss: Loss | undefined): Standing {
  let best: Standing = STANDING.withoutKey
  for (const stored of apiKeys.values()) {
    if (userKey(stored) !== userKey(user)) continue
    const key = loss?.of === 'api-key' && loss.before.hash === stored.hash ? loss.after : stored
    if (!key || key.disabled) continue
    if (key.expiresAtMs === undefined) return STANDING.withKey
    if (key.expiresAtMs > clock.now()) best = STANDING.withKeyThatExpires
  }
  return best
}

/** A person who is let in, and whose role is theirs at every hour. A service ID is an application, and invites nobody. */
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
