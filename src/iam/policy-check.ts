import { CodedError } from '../base/errors.ts'
import type { IamErrorCode } from './errors.ts'
import { exactValue, type PolicyAttribute, type PolicyDraft, type PolicyType } from './policy.ts'
import { compileRule, RULE_PATTERNS } from './policy-rule.ts'
import { policyDraft } from './policy-schema.ts'
import { type Role, SERVICE_NAMES, type ServiceName } from './principal.ts'
import { customRoleId, parseRoleId, type RoleId } from './role-id.ts'
import { isServiceOfType, SERVICE_ROLES, SERVICE_TYPES } from './services.ts'
import type { IamState } from './state.ts'

const SUBJECT_KEYS: Readonly<Record<PolicyType, readonly string[]>> = {
  access: ['iam_id'],
  authorization: [
    'accountId',
    'serviceName',
    'serviceInstance',
    'region',
    'resourceType',
    'resource',
    'resourceGroupId',
  ],
}
const RESOURCE_KEYS = [
  'accountId',
  'serviceName',
  'serviceType',
  'serviceInstance',
  'region',
  'resourceGroupId',
  'resourceType',
  'resource',
  'keyRing',
]
/** What a policy is filed under, or by which it lives in an account: one value, not a pattern. */
const EXACT_KEYS = ['iam_id', 'accountId', 'serviceName', 'serviceType']

const invalid = (message: string): CodedError<IamErrorCode> => new CodedError('PolicyInvalid', message)
const unsupported = (message: string): CodedError<IamErrorCode> => new CodedError('PolicyUnsupported', message)

/** Whatever is not understood in full is refused. Throws PolicyInvalid, PolicyUnsupported, UnknownAccount. */
export function checkDraft(state: Pick<IamState, 'accounts' | 'customRoles'>, draft: PolicyDraft): PolicyDraft {
  const parsed = policyDraft.safeParse(draft)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
  }
  const checked = parsed.data
  const { type, accountId, subject, resource, roles } = checked
  if (!state.accounts.get(accountId))
    throw new CodedError<IamErrorCode>('UnknownAccount', `there is no account ${accountId}`)
  checkSubject(type, subject)
  const services = checkResource(type, resource, accountId)
  const distinct = [...new Set(roles)]
  for (const roleId of distinct) checkRole(state, checked, services, roleId)
  checkRule(checked)
  return { ...checked, roles: distinct }
}

function checkSubject(type: PolicyType, subject: readonly PolicyAttribute[]): void {
  if (subject.some(({ key }) => key === 'access_group_id'))
    throw unsupported('this server has no access groups: name the identity by iam_id')
  checkAttributes('subject', subject, SUBJECT_KEYS[type])
  for (const { key, operator } of subject) {
    if (operator !== 'stringEquals' && operator !== 'stringExists')
      throw invalid(`subject: ${key} takes stringEquals or stringExists, not ${operator}`)
  }
  if (type === 'access') return
  if (exactValue(subject, 'accountId') === undefined) throw invalid('subject: accountId is required')
  const service = exactValue(subject, 'serviceName')
  if (service === undefined && !subject.some(({ key }) => key === 'resourceGroupId'))
    throw invalid('subject: serviceName or resourceGroupId is required')
  if (service !== undefined && serviceNamed('subject', service) === 'iam')
    throw invalid('subject: iam is not a source of requests')
}

/** The services that the resource may be of. */
function checkResource(
  type: PolicyType,
  resource: readonly PolicyAttribute[],
  accountId: string,
): readonly ServiceName[] {
  checkAttributes('resource', resource, RESOURCE_KEYS)
  if (exactValue(resource, 'accountId') !== accountId) throw invalid('resource: accountId is required')
  const name = exactValue(resource, 'serviceName')
  const serviceType = exactValue(resource, 'serviceType')
  if (serviceType !== undefined && !SERVICE_TYPES.some((known) => known === serviceType))
    throw invalid(`resource: serviceType must be one of ${SERVICE_TYPES.join(', ')}`)
  const group = resource.some(({ key }) => key === 'resourceGroupId')
  if (name === undefined && serviceType === undefined && !group)
    throw invalid('resource: serviceName, serviceType or resourceGroupId is required')
  if (name === undefined && type === 'authorization') throw invalid('resource: serviceName is required')
  return (name === undefined ? SERVICE_NAMES : [serviceNamed('resource', name)]).filter(
    (service) => serviceType === undefined || isServiceOfType(service, serviceType),
  )
}

function checkAttributes(where: string, attributes: readonly PolicyAttribute[], known: readonly string[]): void {
  const seen = new Set<string>()
  for (const { key, operator } of attributes) {
    if (!known.includes(key))
      throw invalid(`${where}: the attribute ${key} is not supported here (${known.join(', ')})`)
    if (seen.has(key)) throw invalid(`${where}: the attribute ${key} is given twice`)
    if (EXACT_KEYS.includes(key) && operator !== 'stringEquals')
      throw invalid(`${where}: ${key} takes stringEquals only`)
    seen.add(key)
  }
}

function serviceNamed(where: string, value: string): ServiceName {
  const known = SERVICE_NAMES.find((name) => name === value)
  if (!known) throw invalid(`${where}: serviceName must be one of ${SERVICE_NAMES.join(', ')}`)
  return known
}

function checkRole(
  { customRoles }: Pick<IamState, 'customRoles'>,
  { type, accountId }: PolicyDraft,
  services: readonly ServiceName[],
  roleId: string,
): void {
  const role = parseRoleId(roleId)
  if (!role) throw invalid(`roles: ${roleId} is not a role known here`)
  if (role.kind === 'custom') {
    const known = role.accountId === accountId ? customRoles.byCrn(customRoleId(role.accountId, role.name)) : undefined
    if (!known) throw invalid(`roles: there is no role ${roleId}`)
    if (!services.includes(known.serviceName)) throw invalid(`roles: ${roleId} is a role of ${known.serviceName}`)
    if (type === 'authorization') throw invalid('roles: a service is given service roles, not custom ones')
  } else if (type === 'authorization') checkServiceGrant(role, roleId, services)
  else if (!fits(role, services)) throw invalid(`roles: ${roleId} is not a role of ${services.join(', ')}`)
}

const fits = (role: Exclude<RoleId, { kind: 'custom' }>, services: readonly ServiceName[]): boolean =>
  role.kind === 'platform'
    ? role.role !== 'AuthorizationDelegator'
    : services.some((service) => (role.service ?? service) === service && SERVICE_ROLES[service].includes(role.role))

/** Roles that no service needs for what it does for its users. */
const NOT_FOR_SERVICES: readonly Role[] = ['KeyPurge']

function checkServiceGrant(
  role: Exclude<RoleId, { kind: 'custom' }>,
  roleId: string,
  services: readonly ServiceName[],
) {
  const delegator = role.role === 'AuthorizationDelegator'
  if (delegator && !services.includes('iam')) return
  if (role.kind === 'platform' || NOT_FOR_SERVICES.includes(role.role) || !fits(role, services))
    throw invalid(`roles: ${roleId} is not a role that a service may be given at ${services.join(', ')}`)
}

function checkRule({ pattern, rule }: PolicyDraft): void {
  if (pattern === undefined && rule === undefined) return
  if (pattern === undefined || rule === undefined) throw invalid('pattern and rule come together')
  if (!RULE_PATTERNS.includes(pattern))
    throw unsupported(`pattern: this server has ${RULE_PATTERNS.join(', ')}, not ${pattern}`)
  if (!compileRule(pattern, rule)) throw invalid(`rule: not a rule of the pattern ${pattern}`)
}
