import { ROLES, type Role, SERVICE_NAMES, type ServiceName } from './principal.ts'

/** What a role CRN says. */
export type RoleId =
  /** What one may do in a service. `service` absent: in every one that has a role of that name. */
  | { readonly kind: 'service'; readonly role: Role; readonly service: ServiceName | undefined }
  /** What one may do about a service: see and manage its policies. */
  | { readonly kind: 'platform'; readonly role: Role }
  | { readonly kind: 'custom'; readonly accountId: string; readonly name: string }

export const PLATFORM_ROLES = ['Viewer', 'Operator', 'Editor', 'Administrator', 'AuthorizationDelegator'] as const
/** Service roles that every service has, so that they are IAM's and not the service's. */
const COMMON_ROLES: readonly Role[] = ['Reader', 'Writer', 'Manager']

const SERVICE_ROLE = /^crn:v1:bluemix:public:([a-z-]+)::::serviceRole:(\w+)$/
const PLATFORM_ROLE = /^crn:v1:bluemix:public:iam::::role:(\w+)$/
const CUSTOM_ROLE = /^crn:v1:bluemix:public:iam-access-management::a\/([0-9a-f]{32})::customRole:(\w+)$/

/** Undefined for what is not a role CRN known here. */
export function parseRoleId(roleId: string): RoleId | undefined {
  const [, accountId, name] = CUSTOM_ROLE.exec(roleId) ?? []
  if (accountId !== undefined && name !== undefined) return { kind: 'custom', accountId, name }
  const platform = PLATFORM_ROLES.find((role) => role === PLATFORM_ROLE.exec(roleId)?.[1])
  if (platform) return { kind: 'platform', role: platform }
  const [, owner, roleName] = SERVICE_ROLE.exec(roleId) ?? []
  const role = ROLES.find((known) => known === roleName)
  const service = SERVICE_NAMES.find((known) => known === owner)
  if (!role || !service || PLATFORM_ROLES.some((other) => other === role)) return undefined
  if (service === 'iam') return COMMON_ROLES.includes(role) ? { kind: 'service', role, service: undefined } : undefined
  return { kind: 'service', role, service }
}

export function serviceRoleId(service: ServiceName, role: Role): string {
  return `crn:v1:bluemix:public:${COMMON_ROLES.includes(role) ? 'iam' : service}::::serviceRole:${role}`
}

export const platformRoleId = (role: Role): string => `crn:v1:bluemix:public:iam::::role:${role}`

export const customRoleId = (accountId: string, name: string): string =>
  `crn:v1:bluemix:public:iam-access-management::a/${accountId}::customRole:${name}`
