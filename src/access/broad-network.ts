import { BlockList } from 'node:net'
import { type Network, parseNetwork } from '../base/networks.ts'

/** Shorter prefixes are called public: they are a large part of all addresses there are. */
const MIN_PREFIX = { ipv4: 8, ipv6: 32 } as const

/** Where nobody is who is not let in otherwise, too. */
const PRIVATE = ['10.0.0.0/8', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
const PRIVATE_NETWORKS = PRIVATE.flatMap((text) => parseNetwork(text) ?? [])

const MAPPED: Network = { address: '::ffff:0:0', prefix: 96, family: 'ipv6' }

/** AWS's meaning: so many addresses that it is open to the world. What is no network is, too. */
export function isBroadNetwork(text: string): boolean {
  const network = parseNetwork(text)
  if (!network) return true
  const { family, prefix } = network
  if (family === 'ipv6') {
    // IPv4 written as IPv6 (`::ffff:10.0.0.0/104`), or all of it among other addresses.
    if (isWithin(network, MAPPED)) return isBroad('ipv4', prefix - 96, network)
    if (isWithin(MAPPED, network)) return true
  }
  return isBroad(family, prefix, network)
}

const isBroad = (family: 'ipv4' | 'ipv6', prefix: number, network: Network): boolean =>
  prefix < MIN_PREFIX[family] && !PRIVATE_NETWORKS.some((one) => isWithin(network, one))

/** Its first address is there, and it is no larger. Node holds IPv4 to be within `::ffff:0:0/96`. */
function isWithin(inner: Network, outer: Network): boolean {
  if (bitsOf(inner) < bitsOf(outer)) return false
  const list = new BlockList()
  list.addSubnet(outer.address, outer.prefix, outer.family)
  return list.check(inner.address, inner.family)
}

/** As of IPv6, so that both families compare. */
const bitsOf = ({ family, prefix }: Network): number => (family === 'ipv4' ? prefix + 96 : prefix)
