import { malformed } from './errors.ts'
import type { Policy } from './policy.ts'

/**
 * Whom the ARNs in a policy mean: what a name means is settled when the policy is stored, so that a later identity of
 * that name gets nothing of it. By ARN; `''` is nobody.
 */
export type PrincipalIds = Readonly<Record<string, string>>

/** Who there is. */
export interface Directory {
  /** Undefined: there is nobody of this ARN. */
  readonly idOf: (arn: string) => string | undefined
  /** As it is called by now, in the account of that ARN. Undefined: it is gone. */
  readonly arnOf: (arn: string, id: string) => string | undefined
}

/** What is called like an identity and is none that could ever ask: of no account, or no user, role or session. */
const NOBODY = /^arn:aws[a-z-]*:iam:::|:(?:saml-provider|oidc-provider|federated-user)\//

const arnsOf = ({ statements }: Policy): readonly string[] =>
  statements.flatMap(({ principals }) => principals?.list.flatMap((one) => (one.type === 'arn' ? [one.arn] : [])) ?? [])

/** Throws MalformedPolicy for a name that nobody has. */
export function principalIds(policy: Policy, { idOf }: Directory): PrincipalIds {
  return Object.fromEntries(
    arnsOf(policy).map((arn) => {
      const id = NOBODY.test(arn) ? '' : idOf(arn)
      if (id === undefined) throw malformed('Invalid principal in policy')
      return [arn, id]
    }),
  )
}

/** Of a policy of earlier releases, which took names that nobody had. */
export const principalIdsOfOld = (policy: Policy, { idOf }: Directory): PrincipalIds =>
  Object.fromEntries(arnsOf(policy).map((arn) => [arn, idOf(arn) ?? '']))

export const withPrincipalIds = <Kind extends Policy>(policy: Kind, ids: PrincipalIds | undefined): Kind => {
  if (!ids) return policy
  const statements = policy.statements.map((statement) => {
    const { principals } = statement
    if (!principals) return statement
    const list = principals.list.map((one) => (one.type === 'arn' ? { ...one, id: idIn(ids, one.arn) } : one))
    return { ...statement, principals: { ...principals, list } }
  })
  return { ...policy, statements }
}

const idIn = (ids: PrincipalIds, arn: string): string => (Object.hasOwn(ids, arn) ? ids[arn] : undefined) ?? ''

/** As it was written, while everybody is called what they were; else with the new names, and the ids of those who are gone. */
export function shownPolicy(text: string, ids: PrincipalIds | undefined, { arnOf }: Directory): string {
  const shown = new Map(Object.entries(ids ?? {}).map(([arn, id]) => [arn, id === '' ? arn : (arnOf(arn, id) ?? id)]))
  if ([...shown].every(([arn, now]) => arn === now)) return text
  const renamed = (value: unknown): unknown => {
    if (typeof value === 'string') return shown.get(value) ?? value
    return Array.isArray(value) ? value.map(renamed) : value
  }
  const inStatement = (statement: unknown): unknown =>
    mapMembers(statement, (name, value) =>
      name === 'Principal' || name === 'NotPrincipal'
        ? mapMembers(value, (type, names) => (type === 'AWS' ? renamed(names) : names))
        : value,
    )
  return JSON.stringify(
    mapMembers(JSON.parse(text), (name, value) => {
      if (name !== 'Statement') return value
      return Array.isArray(value) ? value.map(inStatement) : inStatement(value)
    }),
  )
}

function mapMembers(object: unknown, map: (name: string, value: unknown) => unknown): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
  return Object.fromEntries(Object.entries(object).map(([name, value]: [string, unknown]) => [name, map(name, value)]))
}
