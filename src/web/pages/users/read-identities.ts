import {
  attributeOf,
  listPolicies,
  listResourceKeys,
  listServiceIds,
  listUsers,
  type Policy,
  type ResourceKey,
} from '../../client/iam.ts'
import { keyInstances } from '../../client/session.ts'
import { simulate } from '../../client/simulate.ts'

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
  /** Declared with it; asked for where no policy says what it may. */
  readonly roles: readonly string[]
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
  const all = [
    ...users.map(
      (user): Identity => ({
        ...{
          kind: 'user',
          iamId: user.iam_id,
          id: user.iam_id,
          crn: undefined,
          isLocked: false,
          accessKeys: [],
          roles: [],
        },
        name: `${user.firstname} ${user.lastname}`.trim() || user.email || user.iam_id,
        detail: user.email || user.iam_id,
        isActive: user.state === 'ACTIVE',
        createdAt: user.added_on,
        policies: policiesOf(user.iam_id),
      }),
    ),
    ...serviceIds.map(
      (serviceId): Identity => ({
        ...{
          kind: 'service-id',
          iamId: serviceId.iam_id,
          id: serviceId.id,
          crn: serviceId.crn,
          isActive: true,
          roles: [],
        },
        name: serviceId.name,
        detail: serviceId.description ?? '',
        isLocked: serviceId.locked,
        createdAt: serviceId.created_at,
        policies: policiesOf(serviceId.iam_id),
        accessKeys: keys.filter(({ credentials }) => credentials?.['iam_serviceid_crn'] === serviceId.crn),
      }),
    ),
  ]
  const asked = all.filter((identity) => identity.policies.length === 0).slice(0, MOST_ASKED)
  const roles = new Map(
    await Promise.all(asked.map(async ({ iamId }) => [iamId, await rolesOf(iamId, signal)] as const)),
  )
  return all.map((identity) => ({ ...identity, roles: roles.get(identity.iamId) ?? [] }))
}

const MOST_ASKED = 30

/** Those that let it do what is of no single thing, one service after the other. */
async function rolesOf(principal: string, signal: AbortSignal): Promise<readonly string[]> {
  const [keys] = keyInstances()
  const questions = [
    { action: 'iam.policy.read' },
    { action: 's3:ListAllMyBuckets' },
    ...(keys ? [{ action: 'kms.secrets.list', resource: keys.crn }] : []),
  ]
  const verdicts = await Promise.all(
    questions.map((question) => simulate({ ...question, principal }, signal).catch(() => undefined)),
  )
  const roles = verdicts.flatMap((verdict) => verdict?.decisions ?? []).map(({ decidedBy }) => decidedBy)
  return [...new Set(roles.flatMap((by) => (by?.kind === 'role' && by.role !== undefined ? [by.role] : [])))]
}
