import { CodedError, hasCode } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Person } from '../../iam/user-management.ts'
import type { HeldCredentials } from './credentials.ts'

export type PeopleIam = Pick<Iam, 'accounts' | 'isOperator' | 'people' | 'principal'>

export interface WhoIsMeant {
  readonly claim: string
  readonly accountId: string | undefined
}

/**
 * The user of the account that the claims of an identity provider mean, who is there already and may act: nobody is made, and
 * nobody gets a right. Undefined also when they could mean several.
 */
export function findPerson(
  claims: Readonly<Record<string, unknown>>,
  { claim, accountId }: WhoIsMeant,
  iam: PeopleIam,
): Person | undefined {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  const id = accountId ?? iam.accounts().find((account) => iam.isOperator(account.id))?.id
  if (typeof value !== 'string' || value === '' || id === undefined) return undefined
  // Whoever may write any address at the provider would be whom they like.
  if (claim === 'email' && claims['email_verified'] !== true) return undefined
  const isMeant =
    claim === 'email'
      ? ({ email }: Person) => email.toLowerCase() === value.toLowerCase()
      : ({ iamId }: Person) => iamId === value
  const [person, another] = iam.people.list(id).filter(isMeant)
  return person?.profile.state === 'ACTIVE' && !another ? person : undefined
}

/** They are looked up at each request: one who is deleted or shut out is signed in no longer. */
export function holdPerson({ accountId, iamId, uid }: Person, iam: PeopleIam): HeldCredentials {
  return {
    kind: 'oidc',
    principal: async () => {
      const principal = isThere({ accountId, iamId, uid }, iam) ? iam.principal(accountId, iamId)?.principal : undefined
      if (principal?.type !== 'user') throw gone()
      return principal
    },
  }
}

/** The same one, not another of that name. */
function isThere(
  { accountId, iamId, uid }: Pick<Person, 'accountId' | 'iamId' | 'uid'>,
  { people }: PeopleIam,
): boolean {
  try {
    const now = people.get({ accountId, iamId })
    return now.uid === uid && now.profile.state === 'ACTIVE'
  } catch (error) {
    if (hasCode<IamErrorCode>(error, 'UnknownUser')) return false
    throw error
  }
}

const gone = (): CodedError<IamErrorCode> => new CodedError('InvalidToken', 'the user may not act any more')
