import type { Clock } from '../base/clock.ts'
import { keepAdministrator } from './administrators.ts'
import { checkedText } from './api-key-management.ts'
import { declaredLife, newLife, revisedLife } from './entity-life.ts'
import { conflict, invalid, unknownAccount } from './errors.ts'
import { userKey } from './keyspace.ts'
import { newUserIamId } from './new-secrets.ts'
import { newPolicy } from './policies.ts'
import type { PolicyDraft } from './policy.ts'
import type { Actor, StoredUser, UserId, UserProfile, UserState } from './records.ts'
import type { IamState } from './state.ts'
import { isServiceId, newUser, requireUser, userRemoval } from './users.ts'

/** A person in an account. */
export interface Person extends UserId {
  readonly uid: string
  readonly name: string
  readonly email: string
  readonly profile: UserProfile
  /** Absent of one who was declared. */
  readonly addedAtMs?: number
}

export type PersonPatch = Partial<Omit<UserProfile, 'state'>> & {
  readonly state?: UserState | undefined
  readonly email?: string | undefined
}

export interface Invitation {
  readonly accountId: string
  readonly emails: readonly string[]
  /** Access policies of each of them, who has this IAM id. */
  readonly grantsTo?: (iamId: string) => readonly PolicyDraft[]
}

/** Each throws UnknownUser for one that is not there. */
export interface People {
  /**
   * All or none; active at once, without credentials. Throws UnknownAccount, IdentityInvalid, IdentityConflict,
   * PolicyInvalid, PolicyUnsupported, PolicyConflict.
   */
  readonly invite: (invitation: Invitation, by: Actor) => Promise<readonly Person[]>
  readonly get: (id: UserId) => Person
  readonly list: (accountId: string) => readonly Person[]
  /** `''` removes. One who is not `ACTIVE` any more is shut out at once. Throws IdentityInvalid, LastAdministrator. */
  readonly update: (id: UserId, patch: PersonPatch, by: Actor) => Promise<Person>
  /** With API keys and HMAC credentials; tokens are refused at once. Throws LastAdministrator. */
  readonly remove: (id: UserId) => Promise<void>
}

const ACTIVE: UserProfile = { state: 'ACTIVE' }

export function createPeople(state: IamState, clock: Clock): People {
  const { accounts, users, change } = state
  const find = (id: UserId): StoredUser => requireUser(isServiceId(id) ? undefined : users.get(userKey(id)), id)
  const peopleOf = (accountId: string) =>
    [...users.values()].filter((user) => user.accountId === accountId && !isServiceId(user))

  return {
    invite: ({ accountId, emails, grantsTo = () => [] }, by) =>
      change(() => {
        if (!accounts.get(accountId)) throw unknownAccount(accountId)
        const known = new Set(peopleOf(accountId).map(({ email }) => email.toLowerCase()))
        const invited = emails.map((email) => {
          if (known.has(checkedEmail(email).toLowerCase())) throw conflict(`${email} is in the account already`)
          known.add(email.toLowerCase())
          const user = newUser({ accountId, iamId: newUserIamId(), name: email, email, roles: {} })
          return { ...user, life: newLife(by, clock.now(), 'INVITE'), profile: ACTIVE }
        })
        const policies = invited.flatMap(({ iamId }) =>
          grantsTo(iamId).map((draft) => newPolicy(state, draft, by.iamId)),
        )
        const changes = [
          ...invited.map((user) => users.put(userKey(user), user)),
          ...policies.map((policy) => state.policies.put(policy.id, policy)),
        ]
        return { changes, result: invited.map(personOf) }
      }),
    get: (id) => personOf(find(id)),
    list: (accountId) => peopleOf(accountId).map(personOf),
    update: (id, patch, by) =>
      change(() => {
        const before = find(id)
        const user = patched(before, patch)
        keepAdministrator(state, { of: 'user', before, after: user })
        const life = revisedLife(user.life ?? declaredLife(user.iamId), by, clock.now(), 'UPDATE', Object.keys(patch))
        const next = { ...user, life }
        return { changes: [users.put(userKey(next), next)], result: personOf(next) }
      }),
    remove: (id) =>
      change(() => {
        const before = find(id)
        keepAdministrator(state, { of: 'user', before })
        return { changes: userRemoval(state, before), result: undefined }
      }),
  }
}

const personOf = ({ accountId, iamId, uid, name, email, profile = ACTIVE, life }: StoredUser): Person => ({
  accountId,
  iamId,
  uid,
  name,
  email,
  profile,
  ...(life === undefined || life.createdAtMs === 0 ? {} : { addedAtMs: life.createdAtMs }),
})

function patched(user: StoredUser, { email, ...changes }: PersonPatch): StoredUser {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) checkedText(name, value ?? '', 256)
  const profile = { ...(user.profile ?? ACTIVE), ...Object.fromEntries(given) }
  const fullName = [profile.firstname, profile.lastname].filter(Boolean).join(' ')
  return {
    ...user,
    ...(email === undefined ? {} : { email: checkedEmail(email) }),
    name: fullName || user.name,
    profile,
  }
}

function checkedEmail(email: string): string {
  if (!/^[^\s@]{1,64}@[^\s@]{1,190}$/.test(email)) throw invalid('an email address is like somebody@example.com')
  return email
}
