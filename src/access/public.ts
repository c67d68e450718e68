import { isBroadNetwork } from './broad-network.ts'
import type { Condition } from './conditions.ts'
import { isFixed, type Pattern } from './pattern.ts'
import type { Policy, Statement } from './policy.ts'
import { namesEveryone } from './principals.ts'

/** Keys of which a fixed value makes a statement for everyone a statement for somebody. */
const NARROWING: ReadonlySet<string> = new Set([
  ...['aws:principalorgid', 'aws:principalorgpaths', 'aws:principalarn', 'aws:principalaccount', 'aws:userid'],
  ...['aws:sourcearn', 'aws:sourceaccount', 'aws:sourceowner', 'aws:sourceorgid', 'aws:sourceorgpaths'],
  ...['aws:sourcevpc', 'aws:sourcevpce', 'aws:sourcevpcarn', 'aws:vpceaccount', 'aws:vpceorgid', 'aws:vpceorgpaths'],
  ...['s3:dataaccesspointaccount', 's3:dataaccesspointarn', 's3:x-amz-server-side-encryption-aws-kms-key-id'],
])

const EQUALS: ReadonlySet<string> = new Set([
  ...['stringequals', 'stringequalsignorecase', 'stringlike', 'arnequals', 'arnlike'],
])

/** AWS's meaning: does it give anything to whoever comes, without a condition that fixes who that is? */
export const isPublicPolicy = ({ statements }: Policy): boolean => statements.some(isPublicStatement)

export function isPublicStatement({ effect, principals, conditions }: Statement): boolean {
  if (effect !== 'Allow' || !principals) return false
  return namesEveryone(principals) && !conditions.some(narrows)
}

/** A condition that holds without the key (`IfExists`, `ForAllValues`) keeps nobody out. */
function narrows({ operator, ifExists, quantifier, key, values }: Condition): boolean {
  if (ifExists || quantifier === 'forallvalues') return false
  if (operator === 'ipaddress' && key === 'aws:sourceip') return values.every(isNarrowNetwork)
  return EQUALS.has(operator) && NARROWING.has(key) && values.every(isFixed)
}

const isNarrowNetwork = (value: Pattern): boolean => isFixed(value) && !isBroadNetwork(value.source)
