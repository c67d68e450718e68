import { malformed } from './errors.ts'
import { accountArn, type Requester } from './requester.ts'

type PrincipalPattern =
  | { readonly type: 'everyone' }
  | { readonly type: 'account'; readonly accountId: string }
  /** `id`: of whom the ARN named when the policy was stored. Absent: whoever it names. */
  | { readonly type: 'arn'; readonly arn: string; readonly id?: string | undefined }
  | { readonly type: 'canonical'; readonly id: string }
  | { readonly type: 'service'; readonly name: string }
  | { readonly type: 'federated'; readonly provider: string }

/** `Principal` or `NotPrincipal` of a statement. */
export interface Principals {
  readonly not: boolean
  readonly list: readonly PrincipalPattern[]
}

/** `account`: what is given to an account is its own policies' to hand on. `named`: the requester itself, or everyone. */
export type PrincipalMatch = 'none' | 'account' | 'named'

const ACCOUNT = '[A-Za-z0-9._$-]{1,64}'
const BARE_ACCOUNT = /^(?:[0-9]{12}|[0-9a-f]{32})$/
const ROOT_ARN = new RegExp(`^arn:aws[a-z-]*:iam::(${ACCOUNT}):root$`)
const IDENTITY_ARN = new RegExp(
  `^arn:aws[a-z-]*:(?:iam::(?:${ACCOUNT})?:(?:user|role|saml-provider|oidc-provider)/|sts::${ACCOUNT}:(?:assumed-role|federated-user)/)[^*?\\s]{1,512}$`,
)
const SERVICE = /^[A-Za-z0-9.-]{1,128}$|^crn[A-Za-z0-9:./-]{1,512}$/

interface PrincipalSyntax {
  readonly not: boolean
  /** Takes ARNs of partitions of AWS that this is none of. */
  readonly anyPartition: boolean
}

/** Throws MalformedPolicy. */
export function parsePrincipals(value: unknown, syntax: PrincipalSyntax): Principals {
  const { not } = syntax
  if (value === '*') return { not, list: [{ type: 'everyone' }] }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidPrincipal()
  const entries = Object.entries(value)
  if (entries.length === 0) throw invalidPrincipal()
  return {
    not,
    list: entries.flatMap(([type, names]: [string, unknown]) => {
      const list: readonly unknown[] = Array.isArray(names) ? names : [names]
      if (list.length === 0) throw invalidPrincipal()
      return list.map((name) => parsePrincipal(type, name, syntax))
    }),
  }
}

const invalidPrincipal = () => malformed('Invalid principal in policy')

function parsePrincipal(type: string, name: unknown, { anyPartition }: PrincipalSyntax): PrincipalPattern {
  if (typeof name !== 'string' || name === '') throw invalidPrincipal()
  switch (type) {
    case 'AWS':
      if (!anyPartition && /^arn:(?!aws:)/.test(name)) throw invalidPrincipal()
      return parseAws(name)
    case 'CanonicalUser':
      return { type: 'canonical', id: name }
    case 'Service':
      if (!SERVICE.test(name)) throw invalidPrincipal()
      return { type: 'service', name }
    case 'Federated':
      return { type: 'federated', provider: name }
    default:
      throw invalidPrincipal()
  }
}

function parseAws(name: string): PrincipalPattern {
  if (name === '*') return { type: 'everyone' }
  if (BARE_ACCOUNT.test(name)) return { type: 'account', accountId: name }
  const accountId = ROOT_ARN.exec(name)?.[1]
  if (accountId !== undefined) return { type: 'account', accountId }
  if (!IDENTITY_ARN.test(name)) throw invalidPrincipal()
  return { type: 'arn', arn: name }
}

type ArnPattern = Extract<PrincipalPattern, { readonly type: 'arn' }>

const idsOf = ({ ids, arns }: Requester): readonly string[] => ids ?? arns
const isNamed = ({ arn, id }: ArnPattern, requester: Requester): boolean =>
  id === undefined ? requester.arns.includes(arn) : idsOf(requester).includes(id)

export const namesEveryone = ({ list }: Principals): boolean => list.some(({ type }) => type === 'everyone')

/**
 * Does `NotPrincipal` leave the requester out? S3 looks at the account, then at the user, or the role and then its
 * session: each of them must be named. The account's ARN alone leaves out the account itself, and nobody in it.
 */
export function isExempt({ list }: Principals, requester: Requester): boolean {
  const names = (_: string, index: number): boolean => list.some((one) => one.type === 'arn' && isNth(one, index))
  const isNth = ({ arn, id }: ArnPattern, index: number): boolean =>
    id === undefined ? requester.arns[index] === arn : idsOf(requester)[index] === id
  const matches = list.map((pattern) => matchOne(pattern, requester))
  const { type, accountId, arns } = requester
  if (type !== 'identity' || accountId === undefined) return matches.includes('named')
  const root = accountArn(accountId)
  const inAccount = list.some(
    (pattern, index) => (pattern.type === 'account' || pattern.type === 'canonical') && matches[index] !== 'none',
  )
  return inAccount && (arns.includes(root) || arns.every(names))
}

/** Whom the statement speaks of, by `Principal`. */
export function matchPrincipals({ list }: Principals, requester: Requester): PrincipalMatch {
  let found: PrincipalMatch = 'none'
  for (const pattern of list) {
    const match = matchOne(pattern, requester)
    if (match === 'named') return 'named'
    if (match === 'account') found = 'account'
  }
  return found
}

function matchOne(pattern: PrincipalPattern, requester: Requester): PrincipalMatch {
  const named = (yes: boolean): PrincipalMatch => (yes ? 'named' : 'none')
  switch (pattern.type) {
    case 'everyone':
      return 'named'
    case 'account': {
      if (requester.type !== 'identity' || requester.accountId !== pattern.accountId) return 'none'
      return requester.arns.includes(accountArn(pattern.accountId)) ? 'named' : 'account'
    }
    case 'arn':
      return named(requester.type === 'identity' && isNamed(pattern, requester))
    case 'canonical':
      return requester.type === 'identity' && requester.canonicalId === pattern.id ? 'account' : 'none'
    case 'service':
      return named(requester.type === 'service' && requester.services?.includes(pattern.name) === true)
    case 'federated':
      return named(requester.federated !== undefined && requester.federated === pattern.provider)
    default:
      return pattern satisfies never
  }
}
