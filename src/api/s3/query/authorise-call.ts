import type { Facts } from '../../../access/conditions.ts'
import type { Requester } from '../../../access/requester.ts'
import type { IamTag } from '../../../iam/aws/tags.ts'
import { actsBySessionToken } from '../../../iam/session-token.ts'
import { type FactSources, factsOf } from '../access/facts.ts'
import { decideIdentity, type OwnDecision } from '../access/identity-policies.ts'
import { isAccountItself, requesterOf } from '../access/requester.ts'
import { QueryError } from './query-error.ts'
import type { AskedCall, CallFacts, QueryCall } from './query-operation.ts'
import { tagsOfArn } from './tag-parameters.ts'

/** The role, or the statement, that decided. */
export function authoriseCall(asked: AskedCall): OwnDecision {
  const { operation, call } = asked
  const before = authoriseOn(asked)
  if (!before.allowed) return before
  for (const name of operation.alsoNeeds?.(call) ?? []) {
    const also = authoriseOn({ ...asked, operation: { ...operation, name } })
    if (!also.allowed) return also
  }
  const after = operation.becomes?.(call)
  return after === undefined ? before : authoriseOn({ ...asked, resource: after })
}

function authoriseOn(asked: AskedCall): OwnDecision {
  const { operation, call } = asked
  const { credential, principal } = call
  // Not by the credential: the console's gate hands on who signed in, and none.
  if (operation.api === 'iam' && actsBySessionToken(principal))
    return { allowed: false, reason: 'temporary credentials' }
  if (credential.accessKeyId === '' && operation.api === 'sts') return { allowed: false, reason: 'no access key' }
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

export function factsOfCall({ request, call, operation, resource, sourceIp, region }: AskedCall): Facts {
  const { principal, nowMs, iam } = call
  const resourceTags = () => tagsOfArn(iam, resource)
  const asking = { request, principal, requester: requesterOfCall(call), sourceIp, region, nowMs, resourceTags }
  return callFacts(asking, operation.facts?.(call) ?? {})
}

interface CallSources
  extends Pick<FactSources, 'request' | 'principal' | 'requester' | 'sourceIp' | 'region' | 'nowMs'> {
  /** Of the user, role or policy that it is about. */
  readonly resourceTags: () => readonly IamTag[]
}

const RESOURCE_TAG = /^(?:aws|iam):resourcetag\//

/** `given`: what only this call has. */
export function callFacts({ resourceTags, ...sources }: CallSources, given: CallFacts): Facts {
  const facts = factsOf({
    ...{ ...sources, isForm: false, bucket: undefined, versionId: undefined, operation: undefined, action: undefined },
  })
  const ownOf = (key: string): readonly string[] | undefined => {
    const value = Object.hasOwn(given, key) ? given[key] : undefined
    return typeof value === 'string' ? [value] : value
  }
  const tagOf = (wanted: string): readonly string[] | undefined => {
    const tag = resourceTags().find(({ key }) => key.toLowerCase() === wanted)
    return tag && [tag.value]
  }
  return {
    get: (key) => (RESOURCE_TAG.test(key) ? tagOf(key.replace(RESOURCE_TAG, '')) : (ownOf(key) ?? facts.get(key))),
  }
}
