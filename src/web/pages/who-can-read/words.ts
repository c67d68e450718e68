import type { DecidedBy } from '../../client/activity.ts'
import type { Reader, UsedRootKey } from '../../client/who-can-read.ts'
import { instanceOfCrn } from '../../links.ts'

const KINDS: Readonly<Record<Reader['kind'], string>> = {
  user: 'user',
  'service-id': 'service ID',
  'iam-user': 'IAM user',
  'iam-role': 'IAM role',
  service: 'service',
  anonymous: 'without credentials',
}

export const kindOf = ({ kind, groups }: Reader): string =>
  groups && groups.length > 0 ? `${KINDS[kind]} in ${groups.join(', ')}` : KINDS[kind]

/** What decided, in few words. */
export function decidedWords({ kind, role, name }: DecidedBy, reason: string): string {
  if (kind === 'role') return `role ${role}`
  if (kind === 'access-policy') return `${role}, by policy`
  if (kind === 'authorization') return 'authorization'
  if (kind === 'system-authorization') return 'built in'
  if (kind === 'bucket-policy') return `bucket policy ${name}`
  if (kind === 'bucket-acl' || kind === 'object-acl') return `ACL ${name}`
  if (kind === 'identity-policy') return name ?? 'policy'
  return reason === '' || reason.startsWith('no policy') ? 'no policy' : reason
}

/** Of an authorization: `Reader on eu-keys`. */
export function authorizationWords({ authorization, crn }: UsedRootKey): string {
  const instance = instanceOfCrn(crn)?.name ?? 'the key service'
  if (!authorization) return `${instance}, elsewhere`
  return authorization.granted ? `Reader on ${instance}` : 'no authorization'
}

export const keyName = ({ name, aliases, encryption, crn }: UsedRootKey): string =>
  encryption === 'provider-managed' ? 'Provider-managed' : (aliases?.[0] ?? name ?? crn.slice(crn.lastIndexOf(':') + 1))

const REFUSALS: Readonly<Record<string, string>> = {
  RootKeyDisabled: 'is disabled',
  RootKeyDeleted: 'was deleted',
  InvalidKeyState: 'is disabled, expired or deleted',
  RootKeyNotFound: 'is gone',
  KeyAccessDenied: 'may not be used',
  KeyProviderUnavailable: 'cannot be reached',
}

/** It says why a root key does not open. */
export const isOfRootKey = (code: string | undefined): boolean => code !== undefined && Object.hasOwn(REFUSALS, code)

/** `code`: as the key service said it. */
export const refusedWords = (code: string | undefined): string => REFUSALS[code ?? ''] ?? `does not open (${code})`

/** Why nobody can read, with the key's name before it. */
export const refusalWords = (key: UsedRootKey): string => `${keyName(key)} ${refusedWords(key.refusal)}`
