import type { Facts } from '../../../access/conditions.ts'
import { factsOf } from '../access/facts.ts'
import { decideIdentity, type OwnDecision } from '../access/identity-policies.ts'
import { isAccountItself, requesterOf } from '../access/requester.ts'
import type { S3Request } from '../request.ts'
import { QueryError } from './query-error.ts'
import type { QueryCall, QueryOperation } from './query-operation.ts'

export interface AskedCall {
  readonly request: S3Request
  readonly call: QueryCall
  readonly operation: QueryOperation
  /** ARN. */
  readonly resource: string
  readonly sourceIp: string | undefined
  readonly region: string
}

/** The role, or the statement, that lets the caller do it. Throws AccessDenied. */
export function authoriseCall(asked: AskedCall): string {
  const { operation, call, resource } = asked
  if (operation.open) return 'everybody may'
  const { allowed, reason } = decideCall(asked)
  if (allowed) return reason
  const { accountId, principal } = call
  const who = principal.aws?.arns[0] ?? `arn:aws:iam::${accountId}:user/${principal.iamId}`
  const action = `${operation.api}:${operation.name}`
  throw new QueryError(
    403,
    'AccessDenied',
    `User: ${who} is not authorized to perform: ${action} on resource: ${resource}`,
  )
}

/** Administrators of the account may everything; who has policies of AWS's kind, what these say. */
function decideCall({ request, call, operation, resource, sourceIp, region }: AskedCall): OwnDecision {
  const { principal, iam, nowMs } = call
  if (!principal.aws) {
    const allowed = isAccountItself(principal, iam)
    return { allowed, reason: allowed ? 'Administrator of the account' : 'no Administrator of the account' }
  }
  const requester = requesterOf(principal, iam)
  const facts: Facts = factsOf({
    ...{ request, isForm: false, principal, requester, sourceIp, nowMs, region },
    ...{ bucket: undefined, versionId: undefined },
  })
  return decideIdentity(principal.aws, { requester, action: `${operation.api}:${operation.name}`, resource, facts })
}
