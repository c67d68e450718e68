import type { Throttle } from '../api/common/throttle.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { AuditTrails } from './audit-trails.ts'
import type { Foundation } from './foundation.ts'
import type { Config } from './settings.ts'

/** What every room is made with. What a room opens is closed with the scope, in the reverse order. */
export interface RoomOptions {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly scope: AsyncDisposableStack
  readonly foundation: Foundation
  readonly audit: AuditTrails
  readonly throttle: Throttle
  readonly onStoreFailure: (error: Error) => void
}
