import { CodedError } from '../../../base/errors.ts'
import type { Authorization } from '../../../iam/authorizations.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { requirePermission } from '../context.ts'
import { type PolicyErrorCode, policyOperation } from '../policy-protocol.ts'
import { notSupported, writePolicy } from '../policy-wire.ts'

const MAX_LIMIT = 100

/** Only authorizations are kept here, so only they are listed: `type=access` is refused, not answered with nothing. */
export const listPolicies = policyOperation({
  name: 'ListPolicies',
  method: 'GET',
  path: '/v1/policies',
  action: 'iam.policy.read',
  body: noBody,
  run: async ({ request }, context) => {
    const accountId = request.query.get('account_id')
    if (!accountId) throw problem('ParameterMissing', 'account_id is required')
    requirePermission(context, 'iam.policy.read', accountId)
    if (request.query.get('type') === 'access')
      throw notSupported('policies of type access are not supported by this server')
    const { policies, ...links } = page(
      request,
      matching(request, context.iam.authorizations.list({ accountId, state: stateOf(request) })),
    )
    return json(200, { ...links, policies: policies.map((one) => writePolicy(one, request)) })
  },
})

const problem = (code: PolicyErrorCode, message: string): CodedError<PolicyErrorCode> => new CodedError(code, message)

const FORMATS = ['include_last_permit', 'display']

function matching({ query }: ApiRequest, found: readonly Authorization[]): readonly Authorization[] {
  oneOf(query, 'type', ['authorization'])
  oneOf(query, 'format', FORMATS)
  oneOf(query, 'service_type', ['service', 'platform_service'])
  if (query.has('sort')) throw problem('ParameterInvalid', 'sort is not supported: policies come oldest first')
  // An authorization has no IAM id, no access group, and is always for a service.
  const forOthers =
    query.has('iam_id') || query.has('access_group_id') || query.get('service_type') === 'platform_service'
  return forOthers ? [] : found
}

function stateOf({ query }: ApiRequest): Authorization['state'] {
  oneOf(query, 'state', ['active', 'deleted'])
  return query.get('state') === 'deleted' ? 'deleted' : 'active'
}

function oneOf(query: ReadonlyMap<string, string>, name: string, values: readonly string[]): void {
  const value = query.get(name)
  if (value !== undefined && !values.includes(value))
    throw problem('ParameterInvalid', `${name} must be one of ${values.join(', ')}`)
}

/** Without `limit` everything; with it, pages that start after the policy named by `start`. */
function page(request: ApiRequest, found: readonly Authorization[]) {
  const { query } = request
  const limitText = query.get('limit')
  if (limitText === undefined) return { policies: found }
  const limit = Number(limitText)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw problem('ParameterInvalid', `limit must be 1 to ${MAX_LIMIT}`)
  const start = query.get('start')
  const from = start === undefined ? 0 : found.findIndex(({ id }) => id === start) + 1
  if (start !== undefined && from === 0) throw problem('ParameterInvalid', 'start is not a token of this list')
  const policies = found.slice(from, from + limit)
  const last = policies.at(-1)
  const next = last && from + limit < found.length ? { next: { start: last.id, href: pageUrl(request, last.id) } } : {}
  return { limit, first: { href: pageUrl(request) }, ...next, policies }
}

function pageUrl({ url, query }: ApiRequest, start?: string): string {
  const parameters = new URLSearchParams([...query].filter(([name]) => name !== 'start'))
  if (start !== undefined) parameters.set('start', start)
  return `${url}?${parameters}`
}
