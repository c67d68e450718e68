import {
  attributeOf,
  listPolicies,
  listResourceKeys,
  listServiceIds,
  listUsers,
  type Policy,
  type ResourceKey,
} from '../../client/iam.ts'

/** A person or a service ID, as far as pages tell them alike. */
export interface Identity {
  readonly kind: 'user' | 'service-id'
  readonly iamId: string
  /** Of a service ID: what its own calls want. */
  readonly id: string
  readonly crn: string | undefined
  readonly name: string
  readonly detail: string
  readonly isActive: boolean
  readonly isLocked: boolean
  readonly createdAt: string | undefined
  readonly policies: readonly Policy[]
  /** HMAC pairs of object storage. */
  readonly accessKeys: readonly ResourceKey[]
}

export async function readIdentities(signal: AbortSignal): Promise<readonly Identity[]> {
  const [users, serviceIds, policies, keys] = await Promise.all([
    listUsers(signal),
    listServiceIds(signal).catch(() => []),
    listPolicies('access', signal).catch(() => []),
    listResourceKeys(signal).catch(() => []),
  ])
  const policiesOf = (iamId: string): readonly Policy[] =>
    policies.filter(({ subjects }) => subjects.some(({ attributes }) => attributeOf(attributes, 'iam_id') === iamId))
  return [
    ...users.map(
      (user): Identity => ({
        ...{ kind: 'user', iamId: user.iam_id, id: user.iam_id, crn: undefined, isLocked: false, accessKeys: [] },
        name: `${user.firstname} ${user.lastname}`.trim() || user.email || user.iam_id,
        detail: user.email || user.iam_id,
        isActive: user.state === 'ACTIVE',
        createdAt: user.added_on,
        policies: policiesOf(user.iam_id),
      }),
    ),
    ...serviceIds.map(
      (serviceId): Identity => ({
        ...{ kind: 'service-id', iamId: serviceId.iam_id, id: serviceId.id, crn: serviceId.crn, isActive: true },
        name: serviceId.name,
        detail: serviceId.description ?? '',
        isLocked: serviceId.locked,
        createdAt: serviceId.created_at,
        policies: policiesOf(serviceId.iam_id),
        accessKeys: keys.filter(({ credentials }) => credentials?.['iam_serviceid_crn'] === serviceId.crn),
      }),
    ),
  ]
}
