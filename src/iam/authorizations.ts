import type { Action } from './actions.ts'
import type { Target } from './decide.ts'
import type { Role, ServiceName } from './principal.ts'

/** An attribute that must hold; an absent one does not restrict. */
export interface Constraint {
  readonly value: string
  readonly operator: 'stringEquals' | 'stringMatch'
}

export interface AuthorizationSource {
  readonly serviceName: ServiceName
  /** Account of the source; defaults to the account of the policy. */
  readonly accountId: string
  readonly serviceInstance?: string
  readonly region?: string
}

export interface AuthorizationTarget {
  readonly serviceName: ServiceName
  readonly serviceInstance?: Constraint
  readonly resourceType?: Constraint
  readonly resource?: Constraint
  readonly keyRing?: Constraint
}

/** A service-to-service grant: source service → target, roles. It always lives in the account of its target. */
export interface Authorization {
  readonly id: string
  readonly accountId: string
  readonly source: AuthorizationSource
  readonly target: AuthorizationTarget
  readonly roles: readonly Role[]
  readonly description?: string
  readonly state: 'active' | 'deleted'
  /** Grows by one with each change. */
  readonly revision: number
  readonly createdAtMs: number
  readonly createdBy: string
  readonly modifiedAtMs: number
  readonly modifiedBy: string
}

export type AuthorizationDraft = Pick<Authorization, 'accountId' | 'source' | 'target' | 'roles' | 'description'>

export interface Authorizations {
  /** Throws AuthorizationConflict when an active one says the same, AuthorizationInvalid, UnknownAccount. `by`: an IAM id. */
  readonly create: (draft: AuthorizationDraft, by: string) => Promise<Authorization>
  readonly list: (filter: {
    readonly accountId: string
    readonly state?: Authorization['state']
  }) => readonly Authorization[]
  readonly get: (id: string) => Authorization | undefined
  /** Throws AuthorizationNotFound, AuthorizationConflict when `revision` is stale. */
  readonly replace: (id: string, draft: AuthorizationDraft, by: string, revision?: number) => Promise<Authorization>
  readonly setState: (
    id: string,
    state: Authorization['state'],
    by: string,
    revision?: number,
  ) => Promise<Authorization>
  /** A deleted authorization gives no rights from that moment; it can be restored by `setState`. */
  readonly delete: (id: string, by: string) => Promise<void>
}

export interface AuthorizationQuestion {
  readonly sourceInstanceCrn: string
  readonly target: Target
  readonly action: Action
}
