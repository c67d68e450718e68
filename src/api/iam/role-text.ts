import { namesOfActions } from '../../iam/action-catalog.ts'
import { type CustomRole, crnOfRole } from '../../iam/custom-role.ts'
import type { Iam } from '../../iam/iam.ts'
import { type Role, SERVICE_NAMES, type ServiceName } from '../../iam/principal.ts'
import { roleAllows } from '../../iam/role-actions.ts'
import { parseRoleId, platformRoleId, serviceRoleId } from '../../iam/role-id.ts'
import type { ActionAnswer, RoleAnswer } from './reply-schemas.ts'

const TEXTS: Readonly<Record<Role, readonly [name: string, description: string]>> = {
  Reader: ['Reader', 'Perform read-only actions within a service, such as viewing its resources.'],
  ReaderPlus: ['Reader Plus', 'Reader, and access to the payload of standard keys.'],
  Writer: ['Writer', 'Reader, and creating and editing the resources of a service.'],
  Manager: ['Manager', 'Writer, and the privileged actions of a service.'],
  KeyPurge: ['Key Purge', 'Purge deleted keys. No other role includes it.'],
  ContentReader: ['Content Reader', 'List and read the objects of buckets, but not list the buckets.'],
  ObjectReader: ['Object Reader', 'Read objects, but list neither objects nor buckets.'],
  ObjectWriter: ['Object Writer', 'Write objects, but read and list none.'],
  Viewer: ['Viewer', 'View who has access to what the role is for.'],
  Operator: ['Operator', 'As Viewer.'],
  Editor: ['Editor', 'As Viewer; of the account as a whole, also create and change service IDs and instances.'],
  Administrator: ['Administrator', 'View and manage who has access to what the role is for.'],
  AuthorizationDelegator: ['Authorization Delegator', 'Hand on, as authorizations, roles that the service was given.'],
}

export function serviceRoleText(service: ServiceName, role: Role): RoleAnswer {
  const [display_name, description] = TEXTS[role]
  const actions = namesOfActions(service, (action) => roleAllows(service, role, action))
  return { crn: serviceRoleId(service, role), display_name, description, actions }
}

export function platformRoleText(role: Role): RoleAnswer {
  const [display_name, description] = TEXTS[role]
  const actions = namesOfActions('iam', (action) => roleAllows('iam', role, action))
  return { crn: platformRoleId(role), display_name, description, actions }
}

const customRoleText = (role: CustomRole): RoleAnswer => ({
  crn: crnOfRole(role),
  display_name: role.displayName,
  description: role.description ?? '',
  actions: role.actions,
})

/** A role of a policy for `service` (undefined: for all services of a kind). A custom role that is gone has no actions. */
export function roleText(iam: Iam, roleId: string, service: ServiceName | undefined): RoleAnswer {
  const role = parseRoleId(roleId)
  if (role?.kind === 'platform') return { ...platformRoleText(role.role), crn: roleId }
  if (role?.kind === 'service') {
    const services = service === undefined ? SERVICE_NAMES : [service]
    const texts = services.map((one) => serviceRoleText(one, role.role))
    const [display_name, description] = TEXTS[role.role]
    return { crn: roleId, display_name, description, actions: texts.flatMap(({ actions }) => actions) }
  }
  const custom = role && iam.customRoles.list(role.accountId).find(({ name }) => name === role.name)
  return custom ? customRoleText(custom) : { crn: roleId, display_name: roleId, description: '', actions: [] }
}

/** An action as `format=display` lists it. */
export const actionText = (id: string): ActionAnswer => ({ id, display_name: id, description: '' })
