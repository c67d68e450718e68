import { attributeOf, listPolicies, type Policy } from '../../client/iam.ts'
import { type AuthorizationImpact, getAuthorizationImpact } from '../../client/impact.ts'
import { session } from '../../client/session.ts'

/** One service may use what another one has. */
export interface Authorization {
  readonly policy: Policy
  readonly source: Side
  readonly target: Side
  /** What of the target: undefined for all of it. */
  readonly scope: string | undefined
  readonly role: string
  /** Undefined: it may not be known. */
  readonly impact: AuthorizationImpact | undefined
}

export interface Side {
  readonly service: string
  readonly title: string
  /** Of the instance; undefined for all of them. */
  readonly instance: string | undefined
  readonly region: string | undefined
}

const SERVICES: Readonly<Record<string, string>> = { 'cloud-object-storage': 'Object Storage', kms: 'Key Protect' }

const MOST_ASKED = 30

export async function readAuthorizations(signal: AbortSignal): Promise<readonly Authorization[]> {
  const policies = await listPolicies('authorization', signal)
  const asked = new Set(session().halves.objects ? policies.slice(0, MOST_ASKED) : [])
  return Promise.all(
    policies.map(async (policy) =>
      authorizationOf(
        policy,
        asked.has(policy) ? await getAuthorizationImpact(policy.id, signal).catch(() => undefined) : undefined,
      ),
    ),
  )
}

function authorizationOf(policy: Policy, impact: AuthorizationImpact | undefined): Authorization {
  const target = policy.resources[0]?.attributes
  const key = attributeOf(target, 'resourceType') === 'key' ? attributeOf(target, 'resource') : undefined
  const ring = attributeOf(target, 'keyRing')
  return {
    policy,
    source: sideOf(policy.subjects[0]?.attributes),
    target: sideOf(target),
    scope: key === undefined ? ring && `key ring ${ring}` : `key ${key}`,
    role: policy.roles.map(({ display_name, role_id }) => display_name ?? role_id.split(':').at(-1) ?? '').join(', '),
    impact,
  }
}

function sideOf(attributes: Policy['subjects'][number]['attributes'] | undefined): Side {
  const service = attributeOf(attributes, 'serviceName') ?? ''
  const guid = attributeOf(attributes, 'serviceInstance')
  const instance = session().instances.find((one) => one.guid === guid)
  return {
    service,
    title: SERVICES[service] ?? service,
    instance: instance?.name ?? guid,
    region: instance?.region,
  }
}

export const titleOf = ({ role, target }: Authorization): string =>
  `${role} on ${target.instance ?? `all of ${target.title}`}`
