import { type NetworkTest, networkTest } from '../../base/networks.ts'
import type { Firewall } from '../../objects/bucket-configuration.ts'

/** What keeps a request from this address out of the bucket; undefined when nothing does. */
export type FirewallTest = (firewall: Firewall | undefined, address: string | undefined) => string | undefined

/**
 * All that is set must hold, whatever rights the caller has. A request comes from the private network when its address is
 * in `privateNetworks`, and then it is `direct` too: the two cannot be told apart here.
 */
export function firewallTest(privateNetworks: readonly string[]): FirewallTest {
  const isPrivate = networkTest(privateNetworks)
  return (firewall, address) => {
    if (!firewall) return undefined
    const { allowedIp, deniedIp, allowedNetworkType = [] } = firewall
    if (deniedIp?.length && (address === undefined || isIn(deniedIp)(address))) return 'firewall denied_ip'
    if (allowedIp?.length && !isIn(allowedIp)(address)) return 'firewall allowed_ip'
    if (allowedNetworkType.length === 0) return undefined
    const types = isPrivate(address) ? ['private', 'direct'] : ['public']
    return allowedNetworkType.some((type) => types.includes(type)) ? undefined : 'firewall allowed_network_type'
  }
}

/**
 * IBM: what replicates comes from no address that a firewall could let in, so a bucket that has one is not replicated, in
 * either direction. Does this one keep anybody out at all?
 */
export function keepsOutReplication({ allowedIp, deniedIp, allowedNetworkType = [] }: Firewall = {}): boolean {
  if (allowedIp?.length || deniedIp?.length) return true
  if (allowedNetworkType.length === 0) return false
  return !allowedNetworkType.includes('public') || allowedNetworkType.every((type) => type === 'public')
}

/** A configuration is replaced as a whole, so its lists are read once. */
const tests = new WeakMap<readonly string[], NetworkTest>()

function isIn(networks: readonly string[]): NetworkTest {
  const known = tests.get(networks)
  if (known) return known
  const test = networkTest(networks)
  tests.set(networks, test)
  return test
}
