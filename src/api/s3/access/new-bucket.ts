import { isPublicAcl, privateAcl } from '../../../access/acl.ts'
import type { BucketDocuments } from '../../../objects/bucket-document.ts'
import { S3Error } from '../error-codes.ts'
import { wantsLock } from '../lock/configuration.ts'
import type { S3Request } from '../request.ts'
import { aclOfHeaders, saysOwnerOnly } from './acl-headers.ts'
import type { AccountDirectory } from './directory.ts'
import { aclToJson, BLOCK_ALL, OWNERSHIPS, type Ownership } from './documents.ts'

const HEADER = 'x-amz-object-ownership'

/** `aws`: as AWS makes buckets since April 2023. `classic`: as it did before. */
export const BUCKET_DEFAULTS = ['aws', 'classic'] as const
export type BucketDefaults = (typeof BUCKET_DEFAULTS)[number]

interface NewBucketOptions {
  readonly request: S3Request
  /** Canonical id. */
  readonly owner: string
  readonly accounts: AccountDirectory
  readonly defaults: BucketDefaults
}

/** Who may do what with a new bucket. Throws what is wrong with its headers, and with them together. */
export function newBucketAccess({ request, owner, accounts, defaults }: NewBucketOptions): BucketDocuments {
  const closed = defaults === 'aws'
  const ownership = ownershipOf(request) ?? (closed ? 'BucketOwnerEnforced' : null)
  if (ownership === 'BucketOwnerEnforced' && !saysOwnerOnly(request, owner, owner)) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership')
  }
  const acl = aclOfHeaders(request, { owner: owner, bucketOwner: owner }, accounts) ?? privateAcl(owner)
  if (closed && isPublicAcl(acl)) throw new S3Error('InvalidBucketAclWithBlockPublicAccessError')
  const json = aclToJson(acl)
  const isDefault = JSON.stringify(json) === JSON.stringify(aclToJson(privateAcl(owner)))
  return {
    ownershipControls: ownership,
    publicAccessBlock: closed ? BLOCK_ALL : null,
    ...(isDefault ? {} : { acl: json }),
  }
}

/** S3: the rights that saying so later would take. */
export function newBucketNeeds(request: Pick<S3Request, 'headers'>): readonly `s3:${string}`[] {
  const grants = [...request.headers.keys()].some((name) => name.startsWith('x-amz-grant-'))
  const canned = request.headers.get('x-amz-acl') ?? 'private'
  return [
    ...(grants || canned !== 'private' ? (['s3:PutBucketAcl'] as const) : []),
    ...(request.headers.has(HEADER) ? (['s3:PutBucketOwnershipControls'] as const) : []),
    ...(wantsLock(request) ? (['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'] as const) : []),
  ]
}

function ownershipOf({ headers }: S3Request): Ownership | undefined {
  const value = headers.get(HEADER)
  const known = OWNERSHIPS.find((one) => one === value)
  if (value !== undefined && !known) {
    throw new S3Error('InvalidArgument', `Invalid ${HEADER} header: ${value}`, {
      extra: { ArgumentName: HEADER, ArgumentValue: value },
    })
  }
  return known
}
