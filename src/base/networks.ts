import { BlockList, isIP } from 'node:net'
import { memoised } from './memo.ts'

/** Whether an address is in one of the networks that the test was made of. */
export type NetworkTest = (address: string | undefined) => boolean

/** In CIDR notation: `192.0.2.0/24`, `2001:db8::/32`. */
export const isNetwork = (text: string): boolean => text.includes('/') && parseNetwork(text) !== undefined

/** In CIDR notation, or a single address. */
export const isNetworkOrAddress = (text: string): boolean => parseNetwork(text) !== undefined

/** Throws RangeError for what is neither a network nor an address. Without networks, no address is in them. */
export function networkTest(networks: readonly string[]): NetworkTest {
  // Most servers have none, and every request asks.
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (!network) throw new RangeError(`${text} is not a network in CIDR notation`)
    list.addSubnet(network.address, network.prefix, network.family)
  }
  const isIn = memoised((address) => {
    const plain = plainAddress(address)
    return plain !== undefined && list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
  })
  return (address) => address !== undefined && isIn(address)
}

/** Without zone, and IPv4 as such where it comes as IPv6 (`::ffff:192.0.2.1`). Undefined when it is no address. */
export function plainAddress(text: string): string | undefined {
  const isPlain = !text.includes(':') && !text.includes('%')
  const address = isPlain ? text : text.replace(/%.*$/, '')
  if (isIP(address) === 0) return undefined
  if (isPlain) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address
}

/** Whom an address is of: itself, or of IPv6 its first 64 bits, which a single customer is given. '' for none. */
export function networkOf(address: string | undefined): string {
  if (address === undefined || !address.includes(':')) return address ?? ''
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - behind.length) }, () => '0')
  const first = [...groups, ...zeros, ...behind].slice(0, 4)
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Undefined for what is neither a network nor an address. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined
  const widest = version === 4 ? 32 : 128
  const bits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  return bits <= widest ? { address, prefix: bits, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined
}
