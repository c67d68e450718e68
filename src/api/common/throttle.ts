import { CodedError } from '../../base/errors.ts'
import { networkOf } from '../../base/networks.ts'
import { type RateLimit, rateLimit } from '../../base/rate-limit.ts'
import type { Principal } from '../../iam/principal.ts'
import type { RequestErrorCode } from './request.ts'

/** How often one may come, on all listeners together. Each throws TooManyRequests. */
export interface Throttle {
  /** Before somebody is believed to be who they say: too many from there were not. */
  readonly signIn: (address: string | undefined) => void
  /** Somebody was not who they said. */
  readonly refused: (address: string | undefined) => void
  /** A request of somebody who is known, or of nobody in particular. */
  readonly request: (caller: Asking, address: string | undefined) => void
}

interface Asking {
  readonly type: Principal['type'] | 'anonymous'
  readonly iamId: string
}

export interface ThrottleLimits {
  /** Of one address, in IPv6 of one network of 64 bits, which is what one customer has. 0: no limit. */
  readonly refusedSignInsPerMinute: number
  /** Of one identity; of one address where nobody signed in. 0: no limit. */
  readonly requestsPerSecond: number
}

export const DEFAULT_LIMITS: ThrottleLimits = { refusedSignInsPerMinute: 600, requestsPerSecond: 0 }
export const NO_LIMITS: ThrottleLimits = { refusedSignInsPerMinute: 0, requestsPerSecond: 0 }

/**
 * Refused sign-ins count by address alone: counted by the name that was tried, anybody could shut out whoever they can
 * name. Services are not limited; they ask on behalf of all their users.
 */
export function throttle(
  limits: ThrottleLimits,
  now?: () => number,
  rate: (what: 'refusals' | 'requests', count: number, periodMs: number) => RateLimit = (_, count, periodMs) =>
    rateLimit(count, periodMs, now),
): Throttle {
  const refusals = rate('refusals', limits.refusedSignInsPerMinute, 60_000)
  const requests = rate('requests', limits.requestsPerSecond, 1000)
  return {
    signIn: (address) => {
      const waitMs = refusals.waitMs(networkOf(address))
      if (waitMs > 0) throw tooMany('too many sign-ins from this address were refused', waitMs)
    },
    refused: (address) => refusals.take(networkOf(address)),
    request: ({ type, iamId }, address) => {
      if (type === 'service') return
      const name = type === 'anonymous' ? networkOf(address) : iamId
      const waitMs = requests.waitMs(name)
      if (waitMs > 0) throw tooMany('too many requests', waitMs)
      requests.take(name)
    },
  }
}

const tooMany = (message: string, waitMs: number): CodedError<RequestErrorCode> =>
  new CodedError('TooManyRequests', message, { details: { retryAfterMs: Math.ceil(waitMs) } })
