import { networkTest, plainAddress } from '../../base/networks.ts'
import type { ApiRequest } from './request.ts'

/** The address that a request came from; undefined when it cannot be told. */
export type ClientAddress = (request: Pick<ApiRequest, 'header' | 'remoteAddress'>) => string | undefined

/**
 * What `X-Forwarded-For` says counts only as far as it was written by `trustedProxies` (addresses or CIDR): each of
 * them added, at the end, who it was called by. Anything before that is the caller's own words.
 */
export function clientAddressBehind(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = networkTest(trustedProxies)
  return ({ header, remoteAddress }) => {
    let address = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
    if (!isTrusted(address)) return address
    const hops = (header('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim())
    while (isTrusted(address) && hops.some((hop) => hop !== '')) address = plainAddress(hops.pop() ?? '')
    return address
  }
}
