import { type Acl, isPublicAcl, privateAcl } from '../../../access/acl.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { PlainProperties } from '../../../objects/object-properties.ts'
import { S3Error } from '../error-codes.ts'
import type { OperationContext, ResourceUse } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { aclOfHeaders, cannedName, saysOwnerOnly } from './acl-headers.ts'
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
  if (ownership === 'BucketOwnerEnforced') {
    if (!saysOwnerOnly(request, bucket.ownerId)) throw new S3Error('AccessControlListNotSupported')
    return {}
  }
  const owner = ownerOfNew(ownership, bucket, context.owner, cannedName(request))
  const acl = aclOfHeaders(request, { owner: owner.id, bucketOwner: bucket.ownerId }, context.accounts)
  if (acl) await checkGiving(acl, { bucket: bucket.name, key, action: 's3:PutObjectAcl' }, bucket, context)
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

/** What an object's owner lets others do is up to it; for anybody else it takes the right to change ACLs. */
async function checkGiving(
  acl: Acl,
  use: ResourceUse,
  bucket: Bucket,
  { objects, require }: Pick<OperationContext, 'objects' | 'require'>,
): Promise<void> {
  if (isPublicAcl(acl) && blockOf(objects, bucket).blockPublicAcls) throw new S3Error('AccessDenied')
  if (acl.owner === bucket.ownerId && !isDefault(acl)) await require(use)
}

const isDefault = (acl: Acl): boolean =>
  JSON.stringify(aclToJson(acl)) === JSON.stringify(aclToJson(privateAcl(acl.owner)))
