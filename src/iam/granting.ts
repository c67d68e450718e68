import type { Action } from './actions.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { roleAllows } from './role-actions.ts'
import type { RoleId } from './role-id.ts'
import type { IamState } from './state.ts'
import type { Target } from './target.ts'

/** What decided: a policy and the role of it that has the action. */
export interface Granting {
  readonly policyId: string
  readonly role: string
}

/** A test for `policies.find`, and after it the role that made it true. */
export function grantingTest(state: IamState, action: Action, target: Target) {
  const nowMs = state.clock.now()
  return (compiled: CompiledPolicy): boolean =>
    compiled.covers(target, state.instances.get) &&
    compiled.isTime(nowMs) &&
    compiled.roles.some((role) => allows(state, role, compiled.policy.accountId, action, target))
}

/** For the reason of a decision. */
export function granting(state: IamState, { policy, roles }: CompiledPolicy, action: Action, target: Target): Granting {
  const role = roles.find((one) => allows(state, one, policy.accountId, action, target))
  state.policies.notePermit(policy.id, state.clock.now())
  return { policyId: policy.id, role: role === undefined ? '' : nameOf(role) }
}

export const nameOf = (role: RoleId): string => (role.kind === 'custom' ? role.name : role.role)

/** A platform role says what one may do about a service, not in it: in a decision it counts where the target is IAM itself. */
function allows(state: IamState, role: RoleId, accountId: string, action: Action, { service }: Target): boolean {
  switch (role.kind) {
    case 'platform':
      return service === 'iam' && roleAllows('iam', role.role, action)
    case 'service':
      return (role.service === undefined || role.service === service) && roleAllows(service, role.role, action)
    case 'custom':
      return role.accountId === accountId && state.customRoles.allows(accountId, role.name, service, action)
  }
}
