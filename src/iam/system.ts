import type { Role, ServiceName } from './principal.ts'

/** Owner of the server's own instances. No user belongs to it and no bootstrap may declare it. */
export const SYSTEM_ACCOUNT_ID = '0'.repeat(32)

export interface SystemAuthorization {
  /** `instance` absent: every instance of that service, of every account. */
  readonly source: { readonly service: ServiceName; readonly instance?: string }
  /** A system instance, optionally one key of it. */
  readonly target: {
    readonly service: ServiceName
    readonly instance: string
    readonly resourceType?: string
    readonly resource?: string
  }
  readonly roles: readonly Role[]
}
