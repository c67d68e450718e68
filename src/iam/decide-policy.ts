import type { IamAction } from './actions.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { allow, type Decision, decide, deny } from './decide.ts'
import { nameOf } from './granting.ts'
import { findInstance, type Instance } from './instances.ts'
import type { PolicyDraft } from './policy.ts'
import { contains } from './policy-match.ts'
import { ANY_INSTANCE, subjectOfIdentity, subjectOfService } from './policy-shelves.ts'
import type { Principal, ServicePrincipal, UserPrincipal } from './principal.ts'
import { roleAllows } from './role-actions.ts'
import { parseRoleId } from './role-id.ts'
import type { IamState } from './state.ts'

export type PolicyAction = Extract<IamAction, `iam.policy.${string}`>

/**
 * May the caller do this to a policy? Whoever has the right in the whole account may; otherwise it takes a platform role
 * on everything that the policy speaks of. Who was given AuthorizationDelegator may hand on, as authorizations, service
 * roles that the same grant gave it.
 */
export function decidePolicy(
  state: IamState,
  principal: Principal,
  action: PolicyAction,
  policy: PolicyDraft,
): Decision {
  if (principal.type !== 'service' && principal.accountId !== policy.accountId)
    return deny('the policy belongs to another account')
  const inAccount = decide(state, principal, action, { service: 'iam', accountId: policy.accountId })
  if (inAccount.allowed) return inAccount
  const own = principal.type === 'service' ? grantsOfService(state, principal) : grantsOfIdentity(state, principal)
  const nowMs = state.clock.now()
  for (const granted of own) {
    if (!contains(granted.policy.resource, policy.resource) || !granted.isTime(nowMs)) continue
    const role = granted.roles.find((one) => one.kind === 'platform' && roleAllows('iam', one.role, action))
    if (role) return allow(`policy ${granted.policy.id}, role ${nameOf(role)}`)
    if (delegates(granted, action, policy)) return allow(`authorization ${granted.policy.id}, AuthorizationDelegator`)
  }
  return inAccount
}

const grantsOfIdentity = (state: IamState, { accountId, iamId }: UserPrincipal): readonly CompiledPolicy[] => [
  ...state.policies.all(subjectOfIdentity(accountId, iamId)),
]

function grantsOfService(state: IamState, { iamId }: ServicePrincipal): readonly CompiledPolicy[] {
  const asking: Instance | undefined = findInstance(state, iamId.replace(/^crn-/, ''))
  if (!asking) return []
  return [asking.guid, ANY_INSTANCE]
    .flatMap((instance) => [...state.policies.all(subjectOfService(asking.accountId, instance))])
    .filter((compiled) => compiled.speaksOf(asking, state.instances.get))
}

const DELEGATED: Readonly<Partial<Record<PolicyAction, IamAction>>> = {
  'iam.policy.create': 'iam.delegation-policy.create',
  'iam.policy.update': 'iam.delegation-policy.update',
}

function delegates({ policy: granted, roles }: CompiledPolicy, action: PolicyAction, wanted: PolicyDraft): boolean {
  const delegated = DELEGATED[action]
  if (delegated === undefined || wanted.type !== 'authorization' || granted.type !== 'authorization') return false
  if (!roles.some((role) => role.kind === 'platform' && roleAllows('iam', role.role, delegated))) return false
  return wanted.roles.every((roleId) => granted.roles.includes(roleId) && parseRoleId(roleId)?.kind === 'service')
}
