import { type Acl, withoutPublic } from '../../../access/acl.ts'
import { type Policy, parsePolicy } from '../../../access/policy.ts'
import { type PrincipalIds, withPrincipalIds } from '../../../access/principal-ids.ts'
import { isPublicPolicy } from '../../../access/public.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import { aclOf, blockOf, bucketPolicy, type Ownership, ownershipOf } from './documents.ts'

export interface ReadPolicy extends Policy {
  readonly isPublic: boolean
}

/** What a bucket itself says of who may do what. */
export interface BucketAccess {
  /** `unreadable`: of a later Coffer. Then nobody is let in, whoever it may name. */
  readonly policy: ReadPolicy | 'unreadable' | undefined
  readonly ownership: Ownership
  /** Undefined where ACLs mean nothing. Without public grants where these are to be ignored. */
  readonly acl: Acl | undefined
  readonly ignorePublicAcls: boolean
  readonly restrictPublicBuckets: boolean
}

export function accessOf(objects: Pick<ObjectsService, 'document'>, bucket: Bucket): BucketAccess {
  const { ignorePublicAcls, restrictPublicBuckets } = blockOf(objects, bucket)
  const ownership = ownershipOf(objects, bucket)
  const acl = ownership === 'BucketOwnerEnforced' ? undefined : aclOf(objects, bucket)
  return {
    policy: policyOf(objects, bucket),
    ownership,
    acl: acl && ignorePublicAcls ? withoutPublic(acl) : acl,
    ignorePublicAcls,
    restrictPublicBuckets,
  }
}

/** A document is replaced as a whole, and asked for with every request. */
const read = new WeakMap<object, ReadPolicy | 'unreadable'>()

export function policyOf(objects: Pick<ObjectsService, 'document'>, bucket: Bucket): BucketAccess['policy'] {
  const stored = bucketPolicy.of(objects, bucket)
  if (!stored) return undefined
  const known = read.get(stored)
  if (known) return known
  const policy = parse(stored.text, bucket.name, stored.ids)
  read.set(stored, policy)
  return policy
}

function parse(text: string, bucket: string, ids: PrincipalIds | undefined): ReadPolicy | 'unreadable' {
  try {
    const policy = withPrincipalIds(parsePolicy(text, { of: 'bucket', bucket }), ids)
    return { ...policy, isPublic: isPublicPolicy(policy) }
  } catch {
    return 'unreadable'
  }
}
