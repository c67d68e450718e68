import { CodedError } from '../base/errors.ts'
import { type Grant, type Grantee, groupOf, type Permission } from './acl.ts'
import type { AccessErrorCode } from './errors.ts'

/** How a grant names its grantee. */
export type GranteeName =
  | { readonly by: 'id'; readonly value: string }
  | { readonly by: 'uri'; readonly value: string }
  | { readonly by: 'emailAddress'; readonly value: string }

/** The accounts that there are. */
export interface Accounts {
  readonly hasCanonicalId: (id: string) => boolean
  /** Canonical ids of the accounts that an address is of. */
  readonly canonicalIdsOfEmail: (email: string) => readonly string[]
}

const invalid = (message: string, details: Readonly<Record<string, string>> = {}): CodedError<AccessErrorCode> =>
  new CodedError<AccessErrorCode>('InvalidGrant', message, { details })

const PART = /\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^",\s]*))\s*(?:,|$)/y

/** `id="…", uri="…", emailAddress="…"`, with or without quotes. Throws InvalidGrant. */
export function parseGrantHeader(value: string): GranteeName[] {
  const found: GranteeName[] = []
  PART.lastIndex = 0
  while (PART.lastIndex < value.length) {
    const parts = PART.exec(value)
    const by = ['id', 'uri', 'emailAddress'].find((name) => name.toLowerCase() === parts?.[1]?.toLowerCase())
    const named = parts?.[2] ?? parts?.[3] ?? ''
    if (named === '') throw invalid('Argument format not recognized', { argumentValue: value })
    if (by === 'id' || by === 'uri' || by === 'emailAddress') found.push({ by, value: named })
    else throw invalid('Argument format not recognized', { argumentValue: value })
  }
  if (found.length === 0) throw invalid('Argument format not recognized', { argumentValue: value })
  return found
}

/** Throws InvalidGrant and UnresolvableGrantByEmailAddress. */
export function resolveGrantee({ by, value }: GranteeName, accounts: Accounts): Grantee {
  switch (by) {
    case 'id':
      if (!accounts.hasCanonicalId(value))
        throw invalid('Invalid id', { argumentName: 'CanonicalUser/ID', argumentValue: value })
      return { id: value }
    case 'uri': {
      const group = groupOf(value)
      if (group === undefined) throw invalid('Invalid group uri', { argumentName: 'uri', argumentValue: value })
      return { group }
    }
    case 'emailAddress': {
      const [id, second] = accounts.canonicalIdsOfEmail(value)
      if (id !== undefined && second === undefined) return { id }
      throw new CodedError<AccessErrorCode>(
        'UnresolvableGrantByEmailAddress',
        'The e-mail address you provided does not match any account on record.',
        { details: { argumentName: 'Email', argumentValue: value } },
      )
    }
    default:
      return by satisfies never
  }
}

/** S3's headers `x-amz-grant-…`, in the order in which S3 lists what they give. */
export const GRANT_HEADERS: readonly (readonly [suffix: string, permission: Permission])[] = [
  ['read', 'READ'],
  ['write', 'WRITE'],
  ['read-acp', 'READ_ACP'],
  ['write-acp', 'WRITE_ACP'],
  ['full-control', 'FULL_CONTROL'],
]

/** S3: grants in an ACL. */
export const MAX_GRANTS = 100

/** The grants of a request's headers; `headerOf` gives the value for a suffix. */
export function grantsOfHeaders(headerOf: (suffix: string) => string | undefined, accounts: Accounts): Grant[] {
  const grants = GRANT_HEADERS.flatMap(([suffix, permission]) => {
    const value = headerOf(suffix)
    if (value === undefined) return []
    return parseGrantHeader(value).map((name) => ({ grantee: resolveGrantee(name, accounts), permission }))
  })
  if (grants.length > MAX_GRANTS) throw invalid('The request has more grants than an ACL can hold.')
  return grants
}
