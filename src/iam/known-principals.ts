import { type AwsUser, arnOf, entityKey } from './aws/entity.ts'
import { awsRolePrincipal, awsUserPrincipal } from './aws/principals.ts'
import { findInstance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import type { IamState } from './state.ts'
import { servicePrincipal } from './tokens.ts'
import { isActive, isServiceId, userPrincipal } from './users.ts'

/** Somebody of an account who can ask for something. */
export interface KnownPrincipal {
  /** `iam-…`: of AWS's kind. */
  readonly kind: 'user' | 'service-id' | 'iam-user' | 'iam-role' | 'service'
  readonly principal: Principal
  /** May not act for now: tokens and credentials are refused. */
  readonly isShutOut: boolean
  /** Names of groups whose policies count for it. */
  readonly groups: readonly string[]
}

/** Of a session of a role that is not said to be any particular one: no policy of its own, and a name that nobody chose. */
const ANY_SESSION = { name: 'any-session', policies: [], managed: [] }

/** Everybody of the account, in no order; a role stands for its sessions. */
export function* knownPrincipals(state: IamState, accountId: string): Generator<KnownPrincipal> {
  for (const user of state.users.values()) {
    if (user.accountId === accountId) yield ofUser(user)
  }
  for (const user of state.awsUsers.values()) {
    if (user.accountId === accountId) yield ofAwsUser(state, user)
  }
  for (const role of state.awsRoles.values()) {
    if (role.accountId === accountId) yield plain('iam-role', awsRolePrincipal(state, role, ANY_SESSION))
  }
}

/** By IAM id, unique id or ARN; a service by the CRN of its instance. Undefined when there is nobody of this name in the account. */
export function knownPrincipal(state: IamState, accountId: string, name: string): KnownPrincipal | undefined {
  const user = state.users.get(userKey({ accountId, iamId: name.replace(`arn:aws:iam::${accountId}:user/`, '') }))
  if (user) return ofUser(user)
  const awsUser =
    state.awsUsers.get(entityKey({ accountId, id: name })) ??
    [...state.awsUsers.values()].find((one) => one.accountId === accountId && arnOf('user', one) === name)
  if (awsUser) return ofAwsUser(state, awsUser)
  const [, roleName, session] = /^arn:aws:sts::[^:]+:assumed-role\/([^/]+)\/([^/]+)$/.exec(name) ?? []
  const role = [...state.awsRoles.values()].find(
    (one) => one.accountId === accountId && (one.id === name || one.name === roleName || arnOf('role', one) === name),
  )
  if (role)
    return plain('iam-role', awsRolePrincipal(state, role, { ...ANY_SESSION, ...(session ? { name: session } : {}) }))
  const instance = name.includes('crn:') ? findInstance(state, name.replace(/^crn-/, '')) : undefined
  return instance?.accountId === accountId ? plain('service', servicePrincipal(instance)) : undefined
}

const plain = (kind: KnownPrincipal['kind'], principal: Principal): KnownPrincipal => ({
  ...{ kind, principal, isShutOut: false, groups: [] },
})

function ofUser(user: Parameters<typeof isActive>[0]): KnownPrincipal {
  const kind = isServiceId(user) ? 'service-id' : 'user'
  return { ...plain(kind, userPrincipal(user)), isShutOut: !isActive(user) }
}

function ofAwsUser(state: IamState, user: AwsUser): KnownPrincipal {
  const principal: UserPrincipal = awsUserPrincipal(state, user)
  const groups = user.groups.flatMap(
    (id) => state.awsGroups.get(entityKey({ accountId: user.accountId, id }))?.name ?? [],
  )
  return { ...plain('iam-user', principal), groups }
}
