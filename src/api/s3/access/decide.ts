import { type Acl, grantFor, withoutPublic } from '../../../access/acl.ts'
import type { Facts } from '../../../access/conditions.ts'
import { evaluate, type Verdict } from '../../../access/evaluate.ts'
import { accountArn, type Requester } from '../../../access/requester.ts'
import { objectRight } from '../../../access/s3-actions.ts'
import type { ResourceUse, S3Action } from '../operation.ts'
import type { BucketAccess } from './bucket-access.ts'
import type { OwnDecision } from './identity-policies.ts'

export interface Question {
  readonly requester: Requester
  readonly action: S3Action
  /** That an ACL is asked for in its place. */
  readonly aclAction?: S3Action | undefined
  /** Of a new object, not of the one whose place it takes. */
  readonly making?: ResourceUse['making'] | undefined
  /** ARN. */
  readonly resource: string
  readonly facts: Facts
  readonly bucket: {
    readonly access: BucketAccess
    readonly accountId: string
    /** Canonical id. */
    readonly ownerId: string
  }
  /** Of the object that is asked for. Undefined: it was not looked at. Null: there is none. */
  readonly object: Acl | null | undefined
  /** What the requester's own account lets it do, of which another account's bucket knows nothing. */
  readonly own: OwnDecision
}

/** `reason` names the role, the statement or the grant that decided. */
export type Answer =
  /** `byAcl`: by nothing else. */
  | { readonly is: 'allowed'; readonly reason: string; readonly byAcl?: true }
  /** `explicit`: by a Deny, or by what is not understood. `never`: whoever would be let in is told that it cannot be. */
  | { readonly is: 'denied'; readonly reason: string; readonly explicit: boolean; readonly never?: true }
  /** It depends on the object's owner and ACL. */
  | { readonly is: 'up to the object' }
  /** Nothing allows it, and there is no object that could. */
  | { readonly is: 'up to its absence' }

/** An action on an object that nobody has said anything about is its owner's to give. */
const isObjectOwners = ({ action, resource }: Question): boolean =>
  resource.includes('/') && objectRight(action) !== 'bucketOwner'

/** What AWS's root may do to a policy that shuts everybody out, and nobody from another account to any. */
const MENDING: ReadonlySet<S3Action> = new Set<S3Action>([
  ...(['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'] as const),
])

/** Of a bucket itself, all that may be given to somebody who did not say who they are. The rest is administration. */
const OPEN: ReadonlySet<S3Action> = new Set<S3Action>([
  ...(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads', 's3:GetBucketLocation'] as const),
  ...(['s3:GetBucketAcl', 's3:PutBucketAcl'] as const),
  // What is about objects before their keys are known, of a form or a list of them.
  ...(['s3:PutObject', 's3:DeleteObject'] as const),
])

/** Can there be anything that lets in somebody who did not say who they are? `resource` is an ARN. */
export const mayBeOpen = (action: S3Action, resource: string): boolean => resource.includes('/') || OPEN.has(action)

const allowed = (reason: string): Answer => ({ is: 'allowed', reason })
const allowedByAcl = (reason: string): Answer => ({ is: 'allowed', reason, byAcl: true })
const denied = (reason: string, explicit = false): Answer => ({ is: 'denied', reason, explicit })

/**
 * The one decision of S3. An explicit Deny outweighs all. Then, in the bucket's own account, what the identity was given
 * or what the policy gives it by name; for an identity of another account, what its own account lets it do and the
 * bucket's policy or an ACL gives; for anybody, what is given to everyone.
 */
export function decideAccess(question: Question): Answer {
  const { requester, bucket, action, resource } = question
  if (requester.type === 'anonymous' && !mayBeOpen(action, resource)) return denied('anonymous', true)
  const isOwn = requester.type !== 'anonymous' && requester.accountId === bucket.accountId
  const mends = isOwn && MENDING.has(action) && requester.arns.includes(accountArn(bucket.accountId))
  if (question.own.explicit) return denied(question.own.reason, true)
  const { policy } = bucket.access
  if (policy === 'unreadable')
    return mends ? allowed(question.own.reason) : denied('the bucket policy cannot be read', true)
  const verdict: Verdict = policy ? evaluate(policy, question) : { effect: 'none' }
  if (verdict.effect === 'deny') {
    return mends && question.own.allowed
      ? allowed(question.own.reason)
      : denied(`bucket policy ${verdict.statement}`, true)
  }
  if (isMakers(question, isOwn)) return allowed('owner of the new object')
  if (isOwn) return forOwnAccount(question, verdict)
  const answer = forOthers(question, verdict)
  if (answer.is !== 'allowed' || !MENDING.has(action)) return answer
  return { is: 'denied', reason: 'the bucket belongs to another account', explicit: true, never: true }
}

/** What it makes is its own. In the bucket's account, an identity may share what is the account's only if it has the right. */
function isMakers({ making, requester, own }: Question, isOwn: boolean): boolean {
  if (making === 'shared') return !isOwn && (requester.type !== 'identity' || own.allowed)
  return making === 'private'
}

function forOwnAccount(question: Question, verdict: Verdict): Answer {
  const { own, requester } = question
  const named = verdict.effect === 'allow' && verdict.reach === 'named'
  if (own.allowed) return unlessForeign(question, own.reason)
  if (named) return unlessForeign(question, `bucket policy ${verdict.statement}`)
  // What the account was given is not each of its identities'; what everybody was given is.
  const granted = byAcl(question, { ...requester, canonicalId: undefined })
  return granted ?? denied(own.reason)
}

function forOthers(question: Question, verdict: Verdict): Answer {
  const { own, requester, bucket } = question
  // AWS: nobody reaches into another account with the resource's permission alone.
  if (requester.type === 'identity' && !own.allowed) return denied(own.reason)
  if (own.allowed && requester.type === 'service') return allowed(own.reason)
  const { policy, restrictPublicBuckets } = bucket.access
  const restricted =
    restrictPublicBuckets &&
    policy !== undefined &&
    policy !== 'unreadable' &&
    policy.isPublic &&
    requester.type !== 'service'
  if (verdict.effect === 'allow' && !restricted) {
    const answer = unlessForeign(question, `bucket policy ${verdict.statement}`)
    if (answer.is !== 'denied') return answer
  }
  const reason = restricted
    ? 'public access to the bucket is restricted'
    : requester.type === 'anonymous'
      ? 'anonymous'
      : 'the resource belongs to another account'
  return byAcl(question, requester) ?? denied(reason)
}

/** Of an object that is another account's, its ACL decides. */
function unlessForeign(question: Question, reason: string): Answer {
  const { bucket, object, requester, making } = question
  if (bucket.access.acl === undefined || !isObjectOwners(question) || making) return allowed(reason)
  if (object === undefined) return { is: 'up to the object' }
  if (object === null || object.owner === bucket.ownerId) return allowed(reason)
  const grant = grantOf(question, object, requester)
  return grant === undefined ? denied('the object belongs to another account') : allowedByAcl(`object ACL ${grant}`)
}

/** Undefined when no ACL has anything to say. */
function byAcl(question: Question, requester: Requester): Answer | undefined {
  const { action, bucket, object } = question
  const { acl } = bucket.access
  if (acl) {
    const grant = grantFor(acl, 'bucket', question.aclAction ?? action, requester)
    if (grant !== undefined) return allowedByAcl(`bucket ACL ${grant}`)
  }
  if (!isObjectOwners(question) || question.making || objectRight(action) === 'replicating') return undefined
  if (object === null) return objectRight(action) === 'reading' ? { is: 'up to its absence' } : undefined
  if (acl === undefined) return object === undefined ? { is: 'up to the object' } : undefined
  if (object === undefined) return { is: 'up to the object' }
  const grant = grantOf(question, object, requester)
  return grant === undefined ? undefined : allowedByAcl(`object ACL ${grant}`)
}

/** S3: an ACL knows one right to read: attributes are read by it, and who replicates needs it. */
function readsAs(action: S3Action): S3Action {
  const right = objectRight(action)
  if (right !== 'reading' && right !== 'replicating') return action
  return action.includes('Version') ? 's3:GetObjectVersion' : 's3:GetObject'
}

function grantOf({ action, bucket }: Question, acl: Acl, requester: Requester): string | undefined {
  const effective = bucket.access.ignorePublicAcls ? withoutPublic(acl) : acl
  return grantFor(effective, 'object', readsAs(action), requester)
}
