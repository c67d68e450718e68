import { type Acl, type Grant, privateAcl } from './acl.ts'

export const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const
export type CannedAcl = (typeof CANNED_ACLS)[number]

/** The canonical id of Amazon EC2: no account here has it. */
const EC2 = '6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c'

export const isCannedAcl = (name: string): name is CannedAcl => CANNED_ACLS.some((one) => one === name)

/** Canonical ids. The bucket owner's canned ACLs mean nothing for a bucket itself. */
export function cannedAcl(name: CannedAcl, owner: string, bucketOwner: string = owner): Acl {
  const acl = privateAcl(owner)
  // The owner stands last beside groups and first beside the bucket's owner, as S3 lists them.
  const before = (...grants: readonly Grant[]): Acl => ({ owner, grants: [...grants, ...acl.grants] })
  const after = (grant: Grant): Acl => ({ owner, grants: [...acl.grants, grant] })
  switch (name) {
    case 'private':
      return acl
    case 'public-read':
      return before({ grantee: { group: 'AllUsers' }, permission: 'READ' })
    case 'public-read-write':
      return before(
        { grantee: { group: 'AllUsers' }, permission: 'READ' },
        { grantee: { group: 'AllUsers' }, permission: 'WRITE' },
      )
    case 'authenticated-read':
      return before({ grantee: { group: 'AuthenticatedUsers' }, permission: 'READ' })
    case 'aws-exec-read':
      return after({ grantee: { id: EC2 }, permission: 'READ' })
    case 'bucket-owner-read':
      return bucketOwner === owner ? acl : after({ grantee: { id: bucketOwner }, permission: 'READ' })
    case 'bucket-owner-full-control':
      return bucketOwner === owner ? acl : after({ grantee: { id: bucketOwner }, permission: 'FULL_CONTROL' })
    case 'log-delivery-write':
      return before(
        { grantee: { group: 'LogDelivery' }, permission: 'WRITE' },
        { grantee: { group: 'LogDelivery' }, permission: 'READ_ACP' },
      )
    default:
      return name satisfies never
  }
}
