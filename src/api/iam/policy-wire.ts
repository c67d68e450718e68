import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { Authorization, AuthorizationDraft, Constraint } from '../../iam/authorizations.ts'
import { SERVICE_NAMES, type ServiceName } from '../../iam/principal.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'
import { readRole, writeRole } from './policy-roles.ts'

const text = z.string().min(1).max(512)
const subjectAttribute = z.strictObject({ name: text, value: text, operator: z.literal('stringEquals').optional() })
const resourceAttribute = z.strictObject({
  name: text,
  value: text,
  operator: z.enum(['stringEquals', 'stringMatch']).optional(),
})

/** A v1 policy as clients send it. Whatever we do not understand is refused: a condition ignored is a right given away. */
export const policyBody = z.strictObject({
  type: z.enum(['authorization', 'access']),
  subjects: z.array(z.strictObject({ attributes: z.array(subjectAttribute).min(1).max(16) })).max(8),
  roles: z
    .array(z.strictObject({ role_id: text, display_name: z.string().optional(), description: z.string().optional() }))
    .max(16),
  resources: z
    .array(
      z.strictObject({ attributes: z.array(resourceAttribute).max(16), tags: z.array(z.unknown()).max(0).optional() }),
    )
    .max(8),
  description: z.string().max(1024).optional(),
})
export type PolicyBody = z.output<typeof policyBody>

type Attributes = ReadonlyMap<string, Constraint>

/** `callerAccountId`: the account that attributes without an account mean. Throws PolicyInvalid or NotSupported. */
export function readPolicy(body: PolicyBody, callerAccountId: string): AuthorizationDraft {
  if (body.type === 'access') throw notSupported('policies of type access are not supported by this server')
  const subject = attributesOf('subjects', body.subjects, ['serviceName', 'serviceInstance', 'accountId', 'region'])
  const resource = attributesOf('resources', body.resources, [
    'serviceName',
    'serviceInstance',
    'accountId',
    'resourceType',
    'resource',
    'keyRing',
  ])
  return {
    accountId: exact('resources', resource, 'accountId') ?? callerAccountId,
    source: {
      serviceName: serviceName('subjects', subject),
      accountId: exact('subjects', subject, 'accountId') ?? callerAccountId,
      serviceInstance: exact('subjects', subject, 'serviceInstance'),
      region: exact('subjects', subject, 'region'),
    },
    target: {
      serviceName: serviceName('resources', resource),
      serviceInstance: resource.get('serviceInstance'),
      resourceType: resource.get('resourceType'),
      resource: resource.get('resource'),
      keyRing: resource.get('keyRing'),
    },
    roles: [...new Set(body.roles.map(({ role_id }) => readRole(role_id)))],
    description: body.description,
  }
}

type WireAttribute = {
  readonly name: string
  readonly value: string
  readonly operator?: Constraint['operator'] | undefined
}

function attributesOf(
  where: 'subjects' | 'resources',
  groups: readonly { readonly attributes: readonly WireAttribute[] }[],
  known: readonly string[],
): Attributes {
  const [group, ...more] = groups
  if (!group || more.length > 0) throw invalid(`${where} must have exactly one element`)
  const found = new Map<string, Constraint>()
  for (const { name, value, operator = 'stringEquals' } of group.attributes) {
    if (!known.includes(name))
      throw invalid(`${where}: the attribute ${name} is not supported here (${known.join(', ')})`)
    if (found.has(name)) throw invalid(`${where}: the attribute ${name} is given twice`)
    found.set(name, { value, operator })
  }
  return found
}

function serviceName(where: string, attributes: Attributes): ServiceName {
  const value = exact(where, attributes, 'serviceName')
  const known = SERVICE_NAMES.find((name) => name === value)
  if (!known) throw invalid(`${where}: serviceName must be one of ${SERVICE_NAMES.join(', ')}`)
  return known
}

function exact(where: string, attributes: Attributes, name: string): string | undefined {
  const constraint = attributes.get(name)
  if (constraint?.operator === 'stringMatch') throw invalid(`${where}: ${name} takes no pattern`)
  return constraint?.value
}

export function writePolicy(authorization: Authorization, request: ApiRequest): object {
  const { id, accountId, source, target, roles, description, state } = authorization
  const attribute = (name: string, constraint: Constraint | undefined) =>
    constraint ? [{ name, value: constraint.value, operator: constraint.operator }] : []
  const plain = (name: string, value: string | undefined) => (value === undefined ? [] : [{ name, value }])
  return {
    id,
    type: 'authorization',
    ...(description === undefined ? {} : { description }),
    subjects: [
      {
        attributes: [
          ...plain('accountId', source.accountId),
          ...plain('serviceName', source.serviceName),
          ...plain('serviceInstance', source.serviceInstance),
          ...plain('region', source.region),
        ],
      },
    ],
    roles: roles.map((role) => writeRole(role, target.serviceName)),
    resources: [
      {
        attributes: [
          { name: 'accountId', value: accountId, operator: 'stringEquals' },
          { name: 'serviceName', value: target.serviceName, operator: 'stringEquals' },
          ...attribute('serviceInstance', target.serviceInstance),
          ...attribute('resourceType', target.resourceType),
          ...attribute('resource', target.resource),
          ...attribute('keyRing', target.keyRing),
        ],
      },
    ],
    href: `${new URL(request.url).origin}/v1/policies/${id}`,
    created_at: new Date(authorization.createdAtMs).toISOString(),
    created_by_id: authorization.createdBy,
    last_modified_at: new Date(authorization.modifiedAtMs).toISOString(),
    last_modified_by_id: authorization.modifiedBy,
    state,
  }
}

export function policyReply(status: number, authorization: Authorization, request: ApiRequest): Reply {
  return json(status, writePolicy(authorization, request), { ETag: etagOf(authorization) })
}

export const etagOf = ({ revision, id }: Authorization): string => `"${revision}-${id.replaceAll('-', '')}"`

export const invalid = (message: string): CodedError<PolicyErrorCode> => new CodedError('PolicyInvalid', message)
export const notSupported = (message: string): CodedError<PolicyErrorCode> => new CodedError('NotSupported', message)
