import { type NetworkTest, networkTest } from '../base/networks.ts'
import type { Principal } from '../iam/principal.ts'
import type { InstanceBook } from './instance-book.ts'
import { type InstancePolicyRecord, isInstancePolicyType } from './instance-policies.ts'
import type { KmsSettings } from './settings.ts'

interface Visitor {
  readonly principal: Principal
  readonly origin: 'wire' | 'process'
  readonly address?: string
}

export interface NetworkGuard {
  /** Why the instance's network policies keep the visitor out, for the audit; undefined when they do not. */
  readonly barrierTo: (visitor: Visitor, instanceId: string) => string | undefined
}

/** What keeps callers out; and what only a later release knows might. */
const mayBar = (policy: string): boolean =>
  policy === 'allowedNetwork' || policy === 'allowedIP' || !isInstancePolicyType(policy)

/**
 * Key Protect: `allowedNetwork` and `allowedIP` must both hold, for every call, also those that would change them; they
 * are no matter of other services, which come with identities of their own, unless the operator says so: tokens of these
 * identities are given to Administrators of their instances, wherever they are.
 */
export function networkGuard(
  instances: Pick<InstanceBook, 'policiesOf' | 'damagedPoliciesOf'>,
  {
    privateNetworks,
    networkPolicies,
    networkPoliciesForServices,
  }: Pick<KmsSettings, 'privateNetworks' | 'networkPolicies' | 'networkPoliciesForServices'>,
): NetworkGuard {
  const isPrivate = networkTest(privateNetworks)
  // A policy's record is replaced as a whole, so its networks are read once.
  const tests = new WeakMap<InstancePolicyRecord, NetworkTest>()
  const testOf = (policy: InstancePolicyRecord): NetworkTest => {
    const known = tests.get(policy)
    if (known) return known
    const test = networkTest(policy.attributes?.allowedIp ?? [])
    tests.set(policy, test)
    return test
  }
  return {
    barrierTo: ({ origin, principal, address }, instanceId) => {
      if (!networkPolicies || origin === 'process') return undefined
      if (principal.type === 'service' && !networkPoliciesForServices) return undefined
      const unknown = [...instances.damagedPoliciesOf(instanceId)].find(mayBar)
      if (unknown !== undefined) return `policy ${unknown}, which is damaged`
      const { allowedNetwork, allowedIP } = instances.policiesOf(instanceId)
      const privateOnly = allowedNetwork?.enabled && allowedNetwork.attributes?.allowedNetwork === 'private-only'
      if (privateOnly && !isPrivate(address)) return 'policy allowedNetwork'
      return allowedIP?.enabled && !testOf(allowedIP)(address) ? 'policy allowedIP' : undefined
    },
  }
}
