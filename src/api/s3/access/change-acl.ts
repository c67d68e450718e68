import type { Acl } from '../../../access/acl.ts'
import { isPublicAcl } from '../../../access/acl.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import type { OperationContext } from '../operation.ts'
import { aclOfHeaders } from './acl-headers.ts'
import { ACL_BODY, parseAcl } from './acl-xml.ts'
import { blockOf, ownershipOf } from './documents.ts'
import { isDefault } from './new-object.ts'

/** The ACL that a request gives, by its headers or its body, to what belongs to `owner`. */
export async function wantedAcl(
  { request, body, accounts, objects, owner: caller }: OperationContext,
  bucket: Bucket,
  owner: string,
): Promise<Acl> {
  const named = aclOfHeaders(request, { owner, bucketOwner: bucket.ownerId }, accounts)
  const document = await readXmlBody(request, body, ACL_BODY)
  if (named && document.length > 0) throw new S3Error('UnexpectedContent')
  if (!named && document.length === 0) throw new S3Error('MissingSecurityHeader')
  const acl = named ?? parseAcl(document, owner, accounts)
  // AWS refuses every ACL here. From the owner, one that changes nothing is taken: s3cmd sets a copy's to what it was told
  // of the source.
  const fixed = ownershipOf(objects, bucket) === 'BucketOwnerEnforced'
  const changesNothing = caller.id === bucket.ownerId && isDefault(acl)
  if (fixed && !changesNothing) throw new S3Error('AccessControlListNotSupported')
  if (isPublicAcl(acl) && blockOf(objects, bucket).blockPublicAcls) throw new S3Error('AccessDenied')
  return acl
}
