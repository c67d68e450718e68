import type { Requester } from './requester.ts'

export const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const
export type Permission = (typeof PERMISSIONS)[number]

const GROUPS = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const
export type Group = keyof typeof GROUPS

/** An account by its canonical id, or a group. */
export type Grantee = { readonly id: string } | { readonly group: Group }

export interface Grant {
  readonly grantee: Grantee
  readonly permission: Permission
}

/** Of whom a bucket or an object is, and whom its owner lets in. Canonical ids. */
export interface Acl {
  readonly owner: string
  readonly grants: readonly Grant[]
}

export const uriOf = (group: Group): string => GROUPS[group]

export function groupOf(uri: string): Group | undefined {
  switch (uri) {
    case GROUPS.AllUsers:
      return 'AllUsers'
    case GROUPS.AuthenticatedUsers:
      return 'AuthenticatedUsers'
    case GROUPS.LogDelivery:
      return 'LogDelivery'
    default:
      return undefined
  }
}

export const privateAcl = (owner: string): Acl => ({
  owner,
  grants: [{ grantee: { id: owner }, permission: 'FULL_CONTROL' }],
})

/** Gives something to people whom nobody has named. */
export const isPublicAcl = ({ grants }: Pick<Acl, 'grants'>): boolean => grants.some(isPublicGrant)

const isPublicGrant = ({ grantee }: Grant): boolean =>
  'group' in grantee && (grantee.group === 'AllUsers' || grantee.group === 'AuthenticatedUsers')

/** What public access block leaves of an ACL when public ones are to be ignored. */
export const withoutPublic = (acl: Acl): Acl => ({ ...acl, grants: acl.grants.filter((one) => !isPublicGrant(one)) })

/** Only the owner has any right. */
export const isPrivateAcl = ({ owner, grants }: Acl): boolean =>
  grants.every(({ grantee }) => 'id' in grantee && grantee.id === owner)

/**
 * What a permission on a bucket or an object lets its grantee do, without `s3:`. READ on a bucket is no right to its
 * objects, and WRITE on an object is none at all.
 */
const ACTIONS: Readonly<
  Record<'bucket' | 'object', Readonly<Record<Exclude<Permission, 'FULL_CONTROL'>, readonly string[]>>>
> = {
  bucket: {
    READ: ['ListBucket', 'ListBucketVersions', 'ListBucketMultipartUploads'],
    WRITE: ['PutObject', 'DeleteObject'],
    READ_ACP: ['GetBucketAcl'],
    WRITE_ACP: ['PutBucketAcl'],
  },
  object: {
    READ: ['GetObject', 'GetObjectVersion'],
    WRITE: [],
    READ_ACP: ['GetObjectAcl', 'GetObjectVersionAcl'],
    WRITE_ACP: ['PutObjectAcl', 'PutObjectVersionAcl'],
  },
}

/** Is there a permission on a bucket that lets its grantee do this? `action` with `s3:`. */
export const isGivenByBucketAcl = (action: string): boolean =>
  Object.values(ACTIONS.bucket).some((names) => names.includes(action.replace(/^s3:/, '')))

/** The right to read and to change an ACL is its owner's whatever the ACL says. */
const OWN: Readonly<Record<'bucket' | 'object', readonly string[]>> = {
  bucket: [...ACTIONS.bucket.READ_ACP, ...ACTIONS.bucket.WRITE_ACP],
  object: [...ACTIONS.object.READ_ACP, ...ACTIONS.object.WRITE_ACP],
}

/** What of the ACL gives the requester's account this right; undefined when nothing does. `action` with `s3:`. */
export function grantFor(acl: Acl, on: 'bucket' | 'object', action: string, requester: Requester): string | undefined {
  const name = action.replace(/^s3:/, '')
  if (requester.canonicalId === acl.owner && OWN[on].includes(name)) return 'owner'
  const permissions = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const
  const wanted = permissions.filter((permission) => ACTIONS[on][permission].includes(name))
  if (wanted.length === 0) return undefined
  const found = acl.grants.find(
    ({ grantee, permission }) =>
      (permission === 'FULL_CONTROL' || wanted.some((one) => one === permission)) && isGrantee(grantee, requester),
  )
  return found && `${found.permission} of ${'id' in found.grantee ? 'the account' : found.grantee.group}`
}

function isGrantee(grantee: Grantee, { type, canonicalId }: Requester): boolean {
  if ('id' in grantee) return canonicalId !== undefined && grantee.id === canonicalId
  return grantee.group === 'AllUsers' || (grantee.group === 'AuthenticatedUsers' && type !== 'anonymous')
}
