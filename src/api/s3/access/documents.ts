import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type Acl, type Grant, PERMISSIONS, privateAcl } from '../../../access/acl.ts'
import type { Json } from '../../../objects/bucket-document.ts'
import { unreadable } from '../../../objects/bucket-document.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import { storedDocument } from '../stored-document.ts'

/** As the owner wrote it: S3 gives it back byte for byte. `ids`: whom the ARNs in it mean; absent of an earlier release. */
export const bucketPolicy = storedDocument(
  'policy',
  z.strictObject({ text: z.string(), ids: z.record(z.string(), z.string()).exactOptional() }),
)

export const OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const
export type Ownership = (typeof OWNERSHIPS)[number]

/** Null: removed. A bucket that never had any is of a time when every bucket enforced its owner. */
export const ownershipControls = storedDocument('ownershipControls', z.enum(OWNERSHIPS).nullable())

const block = z.strictObject({
  blockPublicAcls: z.boolean(),
  ignorePublicAcls: z.boolean(),
  blockPublicPolicy: z.boolean(),
  restrictPublicBuckets: z.boolean(),
})
export type PublicAccessBlock = z.output<typeof block>

/** Null: removed. A bucket that never had any is of a time when nothing of any bucket was public. */
export const publicAccessBlock = storedDocument('publicAccessBlock', block.nullable())

const permission = z.enum(PERMISSIONS)
const grants = z.array(
  z.union([
    z.strictObject({ id: z.string(), permission }),
    z.strictObject({ group: z.enum(['AllUsers', 'AuthenticatedUsers', 'LogDelivery']), permission }),
  ]),
)
const acl = z.strictObject({ grants })
type StoredAcl = z.output<typeof acl>

export const bucketAcl = storedDocument('acl', acl)

/** As it is stored; the owner is told beside it. */
export const aclToJson = ({ grants: list }: Pick<Acl, 'grants'>): StoredAcl => ({
  grants: list.map(({ grantee, permission: given }) => ({ ...grantee, permission: given })),
})

const fromStored = (owner: string, { grants: list }: StoredAcl): Acl => ({
  owner,
  grants: list.map(({ permission: given, ...grantee }): Grant => ({ grantee, permission: given })),
})

/** Of an object. Throws MetadataCorrupt for what is none: nobody is let in by it. */
export function aclFromJson(owner: string, json: Json | undefined): Acl {
  if (json === undefined) return privateAcl(owner)
  const { success, data, error } = acl.safeParse(json)
  if (!success) throw unreadable(error)
  return fromStored(owner, data)
}

/** Does what is stored of an object say just this? */
export function isAcl(stored: Json | undefined, { owner, grants: list }: Acl): boolean {
  const saying = (all: readonly Grant[]) =>
    aclToJson({ grants: all })
      .grants.map((one) => JSON.stringify(one))
      .sort()
  const { success, data } = acl.safeParse(stored ?? aclToJson(privateAcl(owner)))
  return success && isDeepStrictEqual(saying(fromStored(owner, data).grants), saying(list))
}

type Documents = Pick<ObjectsService, 'document'>

/** With nothing stored: only the owner. */
export function aclOf(objects: Documents, bucket: Pick<Bucket, 'id' | 'ownerId'>): Acl {
  const stored = bucketAcl.of(objects, bucket)
  return stored ? fromStored(bucket.ownerId, stored) : privateAcl(bucket.ownerId)
}

/** S3: without ownership controls, an object is its writer's. */
export function ownershipOf(objects: Documents, bucket: Pick<Bucket, 'id'>): Ownership {
  const stored = ownershipControls.of(objects, bucket)
  return stored === undefined ? 'BucketOwnerEnforced' : (stored ?? 'ObjectWriter')
}

export const BLOCK_ALL: PublicAccessBlock = {
  ...{ blockPublicAcls: true, ignorePublicAcls: true },
  ...{ blockPublicPolicy: true, restrictPublicBuckets: true },
}
const BLOCK_NOTHING: PublicAccessBlock = {
  ...{ blockPublicAcls: false, ignorePublicAcls: false },
  ...{ blockPublicPolicy: false, restrictPublicBuckets: false },
}

export function blockOf(objects: Documents, bucket: Pick<Bucket, 'id'>): PublicAccessBlock {
  const stored = publicAccessBlock.of(objects, bucket)
  return stored === undefined ? BLOCK_ALL : (stored ?? BLOCK_NOTHING)
}
