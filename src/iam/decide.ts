import type { Action } from './actions.ts'
import { covers, systemCovers } from './authorization-match.ts'
import { findInstance, type Instance } from './instances.ts'
import type { Principal, Role, ServicePrincipal, UserPrincipal } from './principal.ts'
import { isServiceOnly, roleAllows, serviceOf } from './role-actions.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import type { Target } from './target.ts'

export type { Target } from './target.ts'

export interface Decision {
  readonly allowed: boolean
  /** For logs and audit; names roles and authorizations, never secrets. */
  readonly reason: string
}

const allow = (reason: string): Decision => ({ allowed: true, reason })
const deny = (reason: string): Decision => ({ allowed: false, reason })

/** The one decision: users by their roles in their own account, services by authorizations. What nothing allows is denied. */
export function decide(state: IamState, principal: Principal, action: Action, target: Target): Decision {
  if (principal.type === 'service') return decideForService(state, principal, action, target)
  if (principal.accountId !== target.accountId || target.accountId === SYSTEM_ACCOUNT_ID) {
    return deny('the resource belongs to another account')
  }
  if (action === 'iam.service-token.create') return decideServiceToken(principal)
  if (serviceOf(action) !== target.service) return deny(`${action} is no action of ${target.service}`)
  if (isServiceOnly(action)) return deny(`${action} is for services only`)
  const role = principal.roles[target.service]
  if (role === undefined) return deny(`no role for ${target.service}`)
  return roleAllows(target.service, role, action)
    ? allow(`role ${role}`)
    : deny(`role ${role} does not include ${action}`)
}

/**
 * Acting as a service for one of the account's instances, whatever service it is of: such a token reaches every key that
 * the instance is authorised for, in other accounts too, so no role of the service itself is enough.
 */
function decideServiceToken({ roles }: UserPrincipal): Decision {
  return roles.iam === 'Administrator' ? allow('role Administrator') : deny('no Administrator of the account')
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
  for (const authorization of state.authorizations.values()) {
    if (covers(authorization, asking, target) && grants(authorization.roles))
      return allow(`authorization ${authorization.id}`)
  }
  return deny(`no authorization of ${asking.crn} for ${action}`)
}
