import { type Facts, testConditions, valueIn } from './conditions.ts'
import type { Truth } from './operators.ts'
import { matches, type Pattern } from './pattern.ts'
import type { Names, Policy, Statement } from './policy.ts'
import { isExempt, matchPrincipals, type PrincipalMatch, type Principals } from './principals.ts'
import type { Requester } from './requester.ts'

export interface AccessRequest {
  readonly requester: Requester
  /** `s3:GetObject` */
  readonly action: string
  /** ARN. */
  readonly resource: string
  readonly facts: Facts
}

/**
 * What one policy says. `reach` of an Allow: `named` when it names the requester (or everyone), `account` when it gives
 * the right to the requester's account, whose own policies then decide.
 */
export type Verdict =
  | { readonly effect: 'none' }
  | { readonly effect: 'deny'; readonly statement: string }
  | { readonly effect: 'allow'; readonly statement: string; readonly reach: 'named' | 'account' }

/** The first Deny that applies decides; else an Allow that names the requester, else one that names its account. */
export function evaluate(policy: Policy, request: AccessRequest): Verdict {
  let allowed: Verdict = { effect: 'none' }
  for (const statement of policy.statements) {
    const applies = testStatement(statement, request)
    if (statement.effect === 'Deny') {
      if (applies.truth !== false) return { effect: 'deny', statement: statement.name }
      continue
    }
    // What cannot be told gives no right.
    if (applies.truth !== true) continue
    if (allowed.effect === 'allow' && (allowed.reach === 'named' || applies.reach === 'account')) continue
    allowed = { effect: 'allow', statement: statement.name, reach: applies.reach }
  }
  return allowed
}

interface Applies {
  readonly truth: Truth
  readonly reach: 'named' | 'account'
}

const NOT_AT_ALL: Applies = { truth: false, reach: 'named' }

function testStatement(statement: Statement, { requester, action, resource, facts }: AccessRequest): Applies {
  const { principals, actions, resources, conditions } = statement
  const match = principals ? speaksOf(principals, requester) : 'named'
  if (match === 'none') return NOT_AT_ALL
  const lookup = valueIn(facts)
  const names = (pattern: Pattern) => matches(pattern, action, lookup, { ignoreCase: true })
  if (testNames(actions, names) !== true) return NOT_AT_ALL
  const within = resources ? testNames(resources, (pattern) => matches(pattern, resource, lookup)) : true
  if (within === false) return NOT_AT_ALL
  const holds = testConditions(conditions, facts)
  if (holds === false) return NOT_AT_ALL
  return { truth: holds === true ? within : holds, reach: match === 'account' ? 'account' : 'named' }
}

function speaksOf(principals: Principals, requester: Requester): PrincipalMatch {
  if (!principals.not) return matchPrincipals(principals, requester)
  return isExempt(principals, requester) ? 'none' : 'named'
}

/** A pattern whose variables have no value names nothing; what it leaves out cannot be told then. */
function testNames({ not, patterns }: Names, test: (pattern: Pattern) => boolean | undefined): Truth {
  const results = patterns.map(test)
  if (results.includes(true)) return !not
  return not && results.includes(undefined) ? 'unknown' : not
}
