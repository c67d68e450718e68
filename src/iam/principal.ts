/** Who is asking. Made only by a successful verification, never from a header as it came. */
export type Principal = UserPrincipal | ServicePrincipal

export interface UserPrincipal {
  readonly type: 'user' | 'service-id'
  /** `IBMid-…` or `iam-ServiceId-…` */
  readonly iamId: string
  readonly accountId: string
  /** Roles per service, as granted: `cloud-object-storage`, `kms`, `iam`. */
  readonly roles: Readonly<Partial<Record<ServiceName, Role>>>
  readonly name: string
  readonly email: string
  /** Of an identity of AWS's kind: its policies alone give it rights. */
  readonly aws?: AwsIdentity
  /** Of one who acts with temporary credentials: when these were made, 0 if nobody knows. */
  readonly temporarySinceMs?: number
}

export interface AwsIdentity {
  readonly kind: 'user' | 'role'
  readonly name: string
  /** The most telling one first: of a session, then of its role. */
  readonly arns: readonly string[]
  /** Of whom each ARN names, and never of another one: `AIDA…`, `AROA…:session`, `AROA…`. */
  readonly ids: readonly string[]
  /** `unreadable`: what cannot be read might deny. */
  readonly sources: readonly PolicySource[] | 'unreadable'
  /** Of a session that was got with a web identity. */
  readonly federated?: Federated
  /** What the identity may do at most. */
  readonly boundary?: AttachedPolicy
  /** Of the user, or of the role and the session. */
  readonly tags?: readonly SessionTag[]
  /** What a session may do at most. Without any policies: all that its role may. */
  readonly session?: Session
}

interface Session {
  readonly policies: readonly string[]
  readonly managed: readonly AttachedPolicy[]
  /** That it was given. */
  readonly tags?: readonly SessionTag[]
}

/** What conditions may ask of who asks. `transitive`: sessions that are got with it have it, too. */
export interface SessionTag {
  readonly key: string
  readonly value: string
  readonly transitive: boolean
}

/** The identity provider that somebody came through, and what it said of them. */
export interface Federated {
  /** ARN. */
  readonly provider: string
  /** By condition keys, lower case. */
  readonly facts: Readonly<Record<string, readonly string[]>>
}

/** Policies of an identity, or of a group that it is in. */
export interface PolicySource {
  /** `user anna`, `group readers`: for reasons. */
  readonly of: string
  readonly policies: readonly { readonly name: string; readonly document: string }[]
  readonly attached: readonly AttachedPolicy[]
}

/** A managed policy. */
export interface AttachedPolicy {
  readonly arn: string
  /** Of one of the account's own. Absent: it is AWS's, or nobody knows it. */
  readonly document?: string
}

/** A service acting for one of its instances: `iamId` is `crn-<CRN of the instance>`. Only authorizations give it rights. */
export interface ServicePrincipal {
  readonly type: 'service'
  readonly iamId: string
  readonly accountId: string
  readonly serviceName: ServiceName
  readonly serviceInstance: string
}

export const SERVICE_NAMES = ['cloud-object-storage', 'kms', 'iam'] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

export const ROLES = [
  'Reader',
  'ReaderPlus',
  'Writer',
  'Manager',
  'KeyPurge',
  'ContentReader',
  'ObjectReader',
  'ObjectWriter',
  'Viewer',
  'Operator',
  'Editor',
  'Administrator',
  'AuthorizationDelegator',
] as const
export type Role = (typeof ROLES)[number]
