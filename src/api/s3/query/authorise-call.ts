import type { Facts } from '../../../access/conditions.ts'
import type { Requester } from '../../../access/requester.ts'
import { type FactSources, factsOf } from '../access/facts.ts'
import { decideIdentity, type OwnDecision } from '../access/identity-policies.ts'
import { isAccountItself, requesterOf } from '../access/requester.ts'
import { QueryError } from './query-error.ts'
import type { AskedCall, CallFacts, QueryCall } from './query-operation.ts'

/** The role, or the statement, that decided. */
export function authoriseCall(asked: AskedCall): OwnDecision {
  const before = authoriseOn(asked)
  const after = before.allowed ? asked.operation.becomes?.(asked.call) : undefined
  return after === undefined ? before : authoriseOn({ ...asked, resource: after })
}

function authoriseOn(asked: AskedCall): OwnDecision {
  const { operation, call } = asked
  const { credential, principal } = call
  // AWS: what GetSessionToken gave manages nothing, so that who gets hold of it gets nothing that lasts longer.
  const isSession = credential.origin !== undefined && principal.aws?.kind !== 'role'
  if (isSession && operation.api === 'iam') return { allowed: false, reason: 'temporary credentials' }
  if (operation.permanentKeysOnly && credential.origin) return { allowed: false, reason: 'temporary credentials' }
  if (operation.open) return { allowed: true, reason: 'everybody may' }
  return (operation.decide ?? decideOwn)(asked)
}

export function refused({ operation, call, resource }: AskedCall): QueryError {
  const { accountId, principal } = call
  const who = principal.aws?.arns[0] ?? `arn:aws:iam::${accountId}:user/${principal.iamId}`
  const action = `${operation.api}:${operation.name}`
  return new QueryError(
    403,
    'AccessDenied',
    `User: ${who} is not authorized to perform: ${action} on resource: ${resource}`,
  )
}

/** What the caller's own account says: Administrators may everything, who has policies of AWS's kind what these say. */
export function decideOwn(asked: AskedCall): OwnDecision {
  const { call, operation, resource } = asked
  const { principal, iam } = call
  if (!principal.aws) {
    const allowed = isAccountItself(principal, iam)
    return { allowed, reason: allowed ? 'Administrator of the account' : 'no Administrator of the account' }
  }
  const [requester, facts] = [requesterOfCall(call), factsOfCall(asked)]
  return decideIdentity(principal.aws, { requester, action: `${operation.api}:${operation.name}`, resource, facts })
}

export const requesterOfCall = ({ principal, iam }: QueryCall): Requester => requesterOf(principal, iam)

export function factsOfCall({ request, call, operation, sourceIp, region }: AskedCall): Facts {
  const { principal, nowMs } = call
  const asking = { request, principal, requester: requesterOfCall(call), sourceIp, region, nowMs }
  return callFacts(asking, operation.facts?.(call) ?? {})
}

type CallSources = Pick<FactSources, 'request' | 'principal' | 'requester' | 'sourceIp' | 'region' | 'nowMs'>

/** `given`: what only this call has. */
export function callFacts(sources: CallSources, given: CallFacts): Facts {
  const facts = factsOf({
    ...{ ...sources, isForm: false, bucket: undefined, versionId: undefined, operation: undefined, action: undefined },
  })
  const ownOf = (key: string): readonly string[] | undefined => {
    const value = Object.hasOwn(given, key) ? given[key] : undefined
    return typeof value === 'string' ? [value] : value
  }
  return { get: (key) => ownOf(key) ?? facts.get(key) }
}
