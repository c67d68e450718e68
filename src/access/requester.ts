/** Who asks, in the words of a policy. */
export interface Requester {
  readonly type: 'anonymous' | 'identity' | 'service'
  /** Account id; undefined for who has none. */
  readonly accountId?: string | undefined
  /** Canonical id of the account, which ACLs and `CanonicalUser` name. */
  readonly canonicalId?: string | undefined
  /** Names that a policy can give it, the most telling one first: the ARN of a session, then that of its role. */
  readonly arns: readonly string[]
  /** What stays the same of whom each ARN names, and is never another's. Absent: the ARNs themselves. */
  readonly ids?: readonly string[]
  /** `crn…` or `<name>.amazonaws.com`: of a service. */
  readonly services?: readonly string[] | undefined
  /** Identity provider that a web identity came through. */
  readonly federated?: string | undefined
}

export const ANONYMOUS: Requester = { type: 'anonymous', arns: [] }

export const accountArn = (accountId: string): string => `arn:aws:iam::${accountId}:root`
