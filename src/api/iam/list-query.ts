import { CodedError } from '../../base/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import { exactValue, POLICY_TYPES, type Policy } from '../../iam/policy.ts'
import { isServiceOfType, SERVICE_TYPES } from '../../iam/services.ts'
import type { ApiRequest } from '../common/request.ts'
import { FORMATS, type Format, serviceOfPolicy } from './policy-face.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'

const problem = (code: PolicyErrorCode, message: string): CodedError<PolicyErrorCode> => new CodedError(code, message)

/** What a list asks for, beside the order and the page. */
export interface PolicyQuery {
  readonly accountId: string
  readonly format: Format
  readonly matches: (policy: Policy) => boolean
}

/** Throws ParameterMissing, ParameterInvalid. */
export function readPolicyQuery({ query }: ApiRequest): PolicyQuery {
  const accountId = query.get('account_id')
  if (!accountId) throw problem('ParameterMissing', 'account_id is required')
  const type = oneOf(query, 'type', POLICY_TYPES)
  const state = oneOf(query, 'state', ['active', 'deleted'] as const) ?? 'active'
  const serviceType = oneOf(query, 'service_type', SERVICE_TYPES)
  const iamId = query.get('iam_id')
  const serviceName = query.get('service_name')
  // Nothing here has tags, and there are no access groups and no groups of services: nothing matches.
  const ofNothing = ['access_group_id', 'tag_name', 'tag_value', 'service_group_id'].some((name) => query.has(name))
  return {
    accountId,
    format: formatOf(query),
    matches: (policy) =>
      !ofNothing &&
      policy.state === state &&
      (type === undefined || policy.type === type) &&
      (iamId === undefined || exactValue(policy.subject, 'iam_id') === iamId) &&
      (serviceName === undefined || serviceOfPolicy(policy) === serviceName) &&
      (serviceType === undefined || isOfType(policy, serviceType)),
  }
}

export const formatOf = (query: ApiRequest['query']): Format => oneOf(query, 'format', FORMATS)

function isOfType(policy: Policy, serviceType: string): boolean {
  const service = serviceOfPolicy(policy)
  return service === undefined
    ? exactValue(policy.resource, 'serviceType') === serviceType
    : isServiceOfType(service, serviceType)
}

function oneOf<Value extends string>(
  query: ApiRequest['query'],
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = query.get(name)
  if (given === undefined) return undefined
  const value = values.find((known) => known === given)
  if (value === undefined) throw problem('ParameterInvalid', `${name} must be one of ${values.join(', ')}`)
  return value
}

type SortKey = (policy: Policy, iam: Iam) => string | number
const SORT_KEYS: ReadonlyMap<string, SortKey> = new Map<string, SortKey>([
  ['id', ({ id }) => id],
  ['type', ({ type }) => type],
  ['href', ({ id }) => id],
  ['created_at', ({ createdAtMs }) => createdAtMs],
  ['created_by_id', ({ createdBy }) => createdBy],
  ['last_modified_at', ({ modifiedAtMs }) => modifiedAtMs],
  ['last_modified_by_id', ({ modifiedBy }) => modifiedBy],
  ['state', ({ state }) => state],
])
const PERMIT_KEYS: ReadonlyMap<string, SortKey> = new Map<string, SortKey>([
  ['last_permit_at', ({ id }, iam) => iam.policies.permits(id)?.lastAtMs ?? 0],
  ['last_permit_frequency', ({ id }, iam) => iam.policies.permits(id)?.count ?? 0],
])

/** The value a policy is sorted by and its id: no two policies are in the same place. */
type Place = readonly [string | number, string]

export interface PolicyOrder {
  readonly placeOf: (policy: Policy) => Place
  readonly compare: (a: Place, b: Place) => number
}

/** `sort`: a member of a policy, `-` before it for descending. Oldest first when it is not given. Throws ParameterInvalid. */
export function readOrder({ query }: ApiRequest, iam: Iam, format: Format): PolicyOrder {
  const sort = query.get('sort') ?? 'created_at'
  const name = sort.replace(/^-/, '')
  const known = SORT_KEYS.get(name) ?? (format === 'include_last_permit' ? PERMIT_KEYS.get(name) : undefined)
  if (!known) throw problem('ParameterInvalid', `sort must be one of ${[...SORT_KEYS.keys()].join(', ')}`)
  const direction = sort.startsWith('-') ? -1 : 1
  return {
    placeOf: (policy) => [known(policy, iam), policy.id],
    compare: ([a, aId], [b, bId]) => direction * (a < b ? -1 : a > b ? 1 : aId < bId ? -1 : aId > bId ? 1 : 0),
  }
}
