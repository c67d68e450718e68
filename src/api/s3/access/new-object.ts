import { type Acl, isPublicAcl, privateAcl } from '../../../access/acl.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { PlainProperties } from '../../../objects/object-properties.ts'
import { S3Error } from '../error-codes.ts'
import type { OperationContext, ResourceUse } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { aclOfHeaders, cannedName, namesAcl, saysOwnerOnly } from './acl-headers.ts'
import { aclToJson, blockOf, type Ownership, ownershipOf } from './documents.ts'

/**
 * Whose a new object is and whom its writer lets in, by the headers of the request. Throws
 * AccessControlListNotSupported where the bucket's owner owns all there is, and AccessDenied for what the writer may not give.
 */
export async function newObjectAccess(
  context: Pick<OperationContext, 'objects' | 'owner' | 'accounts' | 'require'>,
  { bucket, key }: { readonly bucket: Bucket; readonly key: string },
  request: Pick<S3Request, 'headers'>,
): Promise<Pick<PlainProperties, 'owner' | 'acl'>> {
  const ownership = ownershipOf(context.objects, bucket)
  const use = { bucket: bucket.name, key, action: 's3:PutObjectAcl' } as const
  if (ownership === 'BucketOwnerEnforced') {
    if (!saysOwnerOnly(request, bucket.ownerId, context.owner.id)) throw new S3Error('AccessControlListNotSupported')
    if (namesAcl(request)) await context.require({ ...use, making: 'private' })
    return {}
  }
  const owner = ownerOfNew(ownership, bucket, context.owner, cannedName(request))
  const acl = aclOfHeaders(request, { owner: owner.id, bucketOwner: bucket.ownerId }, context.accounts)
  if (acl) await checkGiving(acl, use, bucket, context)
  return {
    ...(owner.id === bucket.ownerId ? {} : { owner }),
    ...(acl === undefined || isDefault(acl) ? {} : { acl: aclToJson(acl) }),
  }
}

/** S3: where the bucket's owner is preferred, its writer gives an object away by giving full control of it. */
function ownerOfNew(
  ownership: Ownership,
  bucket: Bucket,
  writer: OperationContext['owner'],
  canned: string,
): OperationContext['owner'] {
  const givenAway = ownership === 'BucketOwnerPreferred' && canned === 'bucket-owner-full-control'
  return givenAway ? { id: bucket.ownerId, displayName: bucket.ownerName } : writer
}

/** S3: whoever says who may have a new object needs the right to change ACLs, be it only that nobody may: a Deny counts. */
async function checkGiving(
  acl: Acl,
  use: ResourceUse,
  bucket: Bucket,
  { objects, require }: Pick<OperationContext, 'objects' | 'require'>,
): Promise<void> {
  if (isPublicAcl(acl) && blockOf(objects, bucket).blockPublicAcls) throw new S3Error('AccessDenied')
  await require({ ...use, making: isDefault(acl) ? 'private' : 'shared' })
}

/** Says what is so without any ACL: its owner, and nobody else, may do everything. */
export const isDefault = (acl: Acl): boolean =>
  JSON.stringify(aclToJson(acl)) === JSON.stringify(aclToJson(privateAcl(acl.owner)))
