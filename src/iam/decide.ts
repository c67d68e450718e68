import type { Action } from './actions.ts'
import { granting, grantingTest } from './granting.ts'
import { findInstance, type Instance } from './instances.ts'
import { ANY_INSTANCE, subjectOfIdentity, subjectOfService } from './policy-shelves.ts'
import type { Principal, Role, ServicePrincipal, UserPrincipal } from './principal.ts'
import { isServiceOnly, roleAllows, serviceOf } from './role-actions.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import { systemCovers } from './system-match.ts'
import type { Target } from './target.ts'

export type { Target } from './target.ts'

export interface Decision {
  readonly allowed: boolean
  /** For logs and audit; names roles and policies, never secrets. */
  readonly reason: string
}

export const allow = (reason: string): Decision => ({ allowed: true, reason })
export const deny = (reason: string): Decision => ({ allowed: false, reason })

/**
 * The one decision. Users and service IDs have, in their own account, the role that was declared with them and every
 * role of the access policies that speak of the target; services have the roles of their authorizations. What nothing
 * allows is denied.
 */
export function decide(state: IamState, principal: Principal, action: Action, target: Target): Decision {
  if (principal.type === 'service') return decideForService(state, principal, action, target)
  if (principal.accountId !== target.accountId || target.accountId === SYSTEM_ACCOUNT_ID) {
    return deny('the resource belongs to another account')
  }
  if (action === 'iam-identity.signing-key.rotate' && !isOperator(state, principal.accountId)) {
    return deny('the keys that sign tokens are of all accounts: only the operator account may change them')
  }
  if (action === 'iam.service-token.create') return decideServiceToken(state, principal)
  return decideForUser(state, principal, action, target)
}

/** One account alone is the operator's. */
export const isOperator = ({ operatorAccountId, accounts }: IamState, accountId: string): boolean =>
  operatorAccountId === undefined ? accounts.size() === 1 : operatorAccountId === accountId

/**
 * Acting as a service for one of the account's instances, whatever service it is of: such a token reaches every key that
 * the instance is authorised for, in other accounts too, so it takes a right to the account and none to the service.
 */
const decideServiceToken = (state: IamState, principal: UserPrincipal): Decision =>
  decideForUser(state, principal, 'iam.service-token.create', { service: 'iam', accountId: principal.accountId })

function decideForUser(state: IamState, principal: UserPrincipal, action: Action, target: Target): Decision {
  if (serviceOf(action) !== target.service) return deny(`${action} is no action of ${target.service}`)
  if (isServiceOnly(action)) return deny(`${action} is for services only`)
  const role = principal.roles[target.service]
  if (role !== undefined && roleAllows(target.service, role, action)) return allow(`role ${role}`)
  const subject = subjectOfIdentity(principal.accountId, principal.iamId)
  const found = state.policies.find(subject, target, grantingTest(state, action, target))
  if (found) {
    const { policyId, role: granted } = granting(state, found, action, target)
    return allow(`policy ${policyId}, role ${granted}`)
  }
  return deny(
    role === undefined
      ? `no role and no access policy for ${action} at ${target.service}`
      : `neither role ${role} nor an access policy includes ${action}`,
  )
}

function decideForService(state: IamState, { iamId }: ServicePrincipal, action: Action, target: Target): Decision {
  const asking = findInstance(state, iamId.replace(/^crn-/, ''))
  return asking ? decideForInstance(state, asking, action, target) : deny('the instance of the service is gone')
}

export function decideForInstance(state: IamState, asking: Instance, action: Action, target: Target): Decision {
  const grants = (roles: readonly Role[]) => roles.some((role) => roleAllows(target.service, role, action))
  for (const authorization of state.systemAuthorizations) {
    if (systemCovers(authorization, asking, target) && grants(authorization.roles)) return allow('system authorization')
  }
  if (target.accountId === SYSTEM_ACCOUNT_ID) return deny('no system authorization')
  const grantsHere = grantingTest(state, action, target)
  for (const instance of [asking.guid, ANY_INSTANCE]) {
    const subject = subjectOfService(asking.accountId, instance)
    const found = state.policies.find(
      subject,
      target,
      (compiled) => compiled.speaksOf(asking, state.instances.get) && grantsHere(compiled),
    )
    if (found) return allow(`authorization ${granting(state, found, action, target).policyId}`)
  }
  return deny(`no authorization of ${asking.crn} for ${action}`)
}
