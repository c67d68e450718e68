import type { Iam } from '../../iam/iam.ts'
import { equal, exactValue, type Policy, type PolicyAttribute } from '../../iam/policy.ts'
import { SERVICE_NAMES, type ServiceName } from '../../iam/principal.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { V1PolicyAnswer, V2PolicyAnswer } from './reply-schemas.ts'

/** Extra data that a caller may ask for. */
export const FORMATS = ['include_last_permit', 'display'] as const
export type Format = (typeof FORMATS)[number] | undefined

/** How a policy is shown: v1 and v2 are two faces of the same record. */
export type PolicyFace<Answer extends V1PolicyAnswer | V2PolicyAnswer = V1PolicyAnswer | V2PolicyAnswer> = (
  iam: Iam,
  policy: Policy,
  request: ApiRequest,
  format: Format,
) => Answer

/** What both faces show in the same way. */
export function commonMembers(iam: Iam, policy: Policy, request: ApiRequest, version: 'v1' | 'v2', format: Format) {
  return {
    href: `${new URL(request.url).origin}/${version}/policies/${policy.id}`,
    created_at: new Date(policy.createdAtMs).toISOString(),
    created_by_id: policy.createdBy,
    last_modified_at: new Date(policy.modifiedAtMs).toISOString(),
    last_modified_by_id: policy.modifiedBy,
    state: policy.state,
    ...(format === 'include_last_permit' ? lastPermit(iam, policy) : {}),
  }
}

function lastPermit(iam: Iam, { id }: Policy): Pick<V1PolicyAnswer, 'last_permit_at' | 'last_permit_frequency'> {
  const permits = iam.policies.permits(id)
  return permits === undefined
    ? { last_permit_frequency: 0 }
    : { last_permit_at: new Date(permits.lastAtMs).toISOString(), last_permit_frequency: permits.count }
}

export function serviceOfPolicy({ resource }: Pick<Policy, 'resource'>): ServiceName | undefined {
  const name = exactValue(resource, 'serviceName')
  return SERVICE_NAMES.find((known) => known === name)
}

export const policyReply = (
  face: PolicyFace,
  iam: Iam,
  policy: Policy,
  request: ApiRequest,
  { status = 200, format }: { readonly status?: number; readonly format?: Format } = {},
): Reply => json(status, face(iam, policy, request, format), { ETag: etagOf(policy) })

/** Of a policy or a role. */
export const etagOf = ({ revision, id }: { readonly revision: number; readonly id: string }): string =>
  `"${revision}-${id.replaceAll('-', '')}"`

/** An attribute list that says the account, which callers may leave to be their own. */
export function withAccount(attributes: readonly PolicyAttribute[], accountId: string): readonly PolicyAttribute[] {
  return attributes.some(({ key }) => key === 'accountId') ? attributes : [equal('accountId', accountId), ...attributes]
}

/** The account that a resource names. */
export const accountOf = (attributes: readonly PolicyAttribute[], otherwise: string): string =>
  exactValue(attributes, 'accountId') ?? otherwise
