import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { networkTest } from './networks.ts'

/** What IANA's registries of special-purpose addresses (RFC 6890) keep from the public internet, and what wraps such an address. */
const SPECIAL = networkTest([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
])
const GLOBAL_UNICAST = networkTest(['2000::/3'])

/** Whether an address is one that anybody could have, and not one of this machine, of its network or of its cloud's metadata. */
export const isPublicAddress = (address: string): boolean =>
  !SPECIAL(address) && (isIP(address) === 4 || GLOBAL_UNICAST(address))

export type MayReach = (address: string) => boolean

/** Of a connection: names stand for those of their addresses only that may be reached, and it is made to one of these. */
export function lookupWithin(mayReach: MayReach): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const reachable = error ? [] : found.filter(({ address }) => mayReach(address))
      const [first] = reachable
      if (!first) callback(error ?? new Error(`${hostname} has no address that may be reached`), '')
      else if (options.all === true) callback(null, reachable)
      else callback(null, first.address, first.family)
    })
  }
}

/** Addresses in a URL are not looked up. */
export function mayReachHost({ hostname }: URL, mayReach: MayReach): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 || mayReach(host)
}
