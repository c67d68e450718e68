import type { Acl } from '../../../access/acl.ts'
import { cannedAcl, isCannedAcl } from '../../../access/canned-acls.ts'
import { GRANT_HEADERS, grantsOfHeaders, parseGrantHeader } from '../../../access/grants.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'
import type { AccountDirectory } from './directory.ts'

const CANNED = 'x-amz-acl'

const hasGrants = ({ headers }: Pick<S3Request, 'headers'>): boolean =>
  GRANT_HEADERS.some(([suffix]) => headers.has(`x-amz-grant-${suffix}`))

/** Does the request say anything of an ACL? */
export const namesAcl = (request: Pick<S3Request, 'headers'>): boolean =>
  request.headers.has(CANNED) || hasGrants(request)

/** The canned ACL that is named, '' when there is none. Throws InvalidArgument for one that there is not. */
export function cannedName({ headers }: Pick<S3Request, 'headers'>): string {
  const name = headers.get(CANNED) ?? ''
  if (name !== '' && !isCannedAcl(name)) {
    throw new S3Error('InvalidArgument', undefined, { extra: { ArgumentName: CANNED, ArgumentValue: name } })
  }
  return name
}

/**
 * Whether the headers, if there are any, only say that the owner may do everything, which is so where ACLs mean nothing.
 * AWS refuses `private` all the same; of an owner who writes himself it says just that, and s3cmd sends it with every copy.
 */
export function saysOwnerOnly(request: Pick<S3Request, 'headers'>, owner: string, writer: string): boolean {
  const canned = cannedName(request)
  const owned = ['', 'bucket-owner-full-control', ...(writer === owner ? ['private'] : [])]
  if (!hasGrants(request)) return owned.includes(canned)
  const given = GRANT_HEADERS.filter(([suffix]) => request.headers.has(`x-amz-grant-${suffix}`))
  const full = request.headers.get('x-amz-grant-full-control')
  if (canned !== '' || given.length !== 1 || full === undefined) return false
  return parseGrantHeader(full).every(({ by, value }) => by === 'id' && value === owner)
}

/** Of what belongs to `owner`; undefined when the headers say nothing. Throws InvalidArgument, InvalidRequest, UnresolvableGrantByEmailAddress. */
export function aclOfHeaders(
  request: Pick<S3Request, 'headers'>,
  { owner, bucketOwner }: { readonly owner: string; readonly bucketOwner: string },
  accounts: AccountDirectory,
): Acl | undefined {
  const canned = cannedName(request)
  if (!hasGrants(request)) return isCannedAcl(canned) ? cannedAcl(canned, owner, bucketOwner) : undefined
  if (canned !== '') {
    throw new S3Error('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed')
  }
  return { owner, grants: grantsOfHeaders((suffix) => request.headers.get(`x-amz-grant-${suffix}`), accounts) }
}
