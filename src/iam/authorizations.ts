import { equal, type Policy, type PolicyAttribute, type PolicyDraft } from './policy.ts'
import type { Role, ServiceName } from './principal.ts'
import { serviceRoleId } from './role-id.ts'

/** An attribute that must hold. */
export interface Constraint {
  readonly value: string
  readonly operator: 'stringEquals' | 'stringMatch'
}

/** A service-to-service grant in short: source service → target, service roles. An absent member does not restrict. */
export interface AuthorizationDraft {
  /** The account of the target. */
  readonly accountId: string
  readonly source: {
    readonly serviceName: ServiceName
    /** The source may belong to another account than the target. */
    readonly accountId: string
    readonly serviceInstance?: string | undefined
    readonly region?: string | undefined
  }
  readonly target: {
    readonly serviceName: ServiceName
    readonly serviceInstance?: Constraint | undefined
    readonly resourceType?: Constraint | undefined
    readonly resource?: Constraint | undefined
    readonly keyRing?: Constraint | undefined
  }
  readonly roles: readonly Role[]
  readonly description?: string | undefined
}

export interface Authorizations {
  /** Throws PolicyConflict when an active one says the same, PolicyInvalid, UnknownAccount. */
  readonly create: (draft: AuthorizationDraft, by: string) => Promise<Policy>
  /** Throws PolicyNotFound. */
  readonly delete: (id: string, by: string) => Promise<void>
}

/** The policy that an authorization is. */
export function authorizationPolicy({
  accountId,
  source,
  target,
  roles,
  description,
}: AuthorizationDraft): PolicyDraft {
  const plain = (key: string, value: string | undefined) => (value === undefined ? [] : [equal(key, value)])
  const held = (key: string, constraint: Constraint | undefined): readonly PolicyAttribute[] =>
    constraint ? [{ key, ...constraint }] : []
  return {
    type: 'authorization',
    accountId,
    subject: [
      equal('accountId', source.accountId),
      equal('serviceName', source.serviceName),
      ...plain('serviceInstance', source.serviceInstance),
      ...plain('region', source.region),
    ],
    resource: [
      equal('accountId', accountId),
      equal('serviceName', target.serviceName),
      ...held('serviceInstance', target.serviceInstance),
      ...held('resourceType', target.resourceType),
      ...held('resource', target.resource),
      ...held('keyRing', target.keyRing),
    ],
    roles: [...new Set(roles)].map((role) => serviceRoleId(target.serviceName, role)),
    ...(description === undefined ? {} : { description }),
  }
}
