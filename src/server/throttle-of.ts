import { type Throttle, throttle } from '../api/common/throttle.ts'
import { sharedRateLimit } from '../base/rate-limit.ts'
import type { Config } from './settings.ts'
import type { SharedMemory } from './threads/shared-memory.ts'

/** `memory`: that all threads have which let somebody in. */
export function throttleOf(config: Config, memory: SharedMemory | undefined): Throttle {
  const limits = {
    refusedSignInsPerMinute: config['limits.refused-sign-ins-per-minute'],
    requestsPerSecond: config['limits.requests-per-second'],
  }
  if (!memory) return throttle(limits)
  const { rates, rateSeed: seed } = memory
  return throttle(limits, undefined, (what, count, periodMs) =>
    sharedRateLimit(count, periodMs, { memory: rates[what], seed }),
  )
}
