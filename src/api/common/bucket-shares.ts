import type { Principal } from '../../iam/principal.ts'
import type { Bucket } from '../../objects/buckets.ts'

/** What a bucket itself says of who may read its objects, beside what identities are given. */
export interface BucketShares {
  /** `unreadable`: of a later Coffer. Then nobody is let in. */
  readonly policy: 'none' | 'readable' | 'unreadable'
  /** Those that speak of reading objects. */
  readonly statements: readonly ShareStatement[]
  /** Of its ACL; empty where ACLs mean nothing. */
  readonly grants: readonly { readonly to: string; readonly permission: string }[]
  /** A public policy lets in nobody from outside. */
  readonly restrictsPublic: boolean
  /** Keeps requests from some addresses out, whoever sends them. */
  readonly hasFirewall: boolean
}

export interface ShareStatement {
  readonly name: string
  readonly effect: 'Allow' | 'Deny'
  /** As the policy writes them. */
  readonly principals: readonly string[]
  /** It speaks of everybody but these. */
  readonly exceptPrincipals: boolean
  readonly resources: readonly string[]
  readonly exceptResources: boolean
  /** Condition keys: it depends on the request. */
  readonly conditions: readonly string[]
}

/** Stands for the keys of objects that policies tell from others. */
export interface SampleKey {
  /** As a policy writes it: `2026/*`. */
  readonly pattern: string
  readonly key: string
}

export interface SharesReader {
  readonly sharesOf: (bucket: Bucket) => BucketShares
  /** What the bucket's policy and those of the principal itself tell apart; a hundred at most. */
  readonly samplesOf: (bucket: Bucket, principal: Principal | undefined) => readonly SampleKey[]
}
