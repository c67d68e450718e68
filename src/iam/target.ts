import type { ServiceName } from './principal.ts'

/** What an action is done to. `accountId` and `instance` are facts of the resource, never words of the caller. */
export interface Target {
  readonly service: ServiceName
  readonly accountId: string
  /** GUID. Absent only for actions on the account itself (iam). */
  readonly instance?: string
  /** `key`, `bucket`… Absent: the instance as a whole (lists, creation). */
  readonly resourceType?: string
  readonly resource?: string
  readonly keyRing?: string
}
