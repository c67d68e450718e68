import type { Action, IamAction, KmsAction } from './actions.ts'
import { objectStorageRoleAllows } from './object-storage-actions.ts'
import type { Role, ServiceName } from './principal.ts'

type RoleTable = Readonly<Partial<Record<Role, ReadonlySet<string>>>>

/** Each role holds what the one before it holds. */
function ladder(steps: readonly (readonly [Role, readonly Action[]])[]): RoleTable {
  const table: Partial<Record<Role, ReadonlySet<string>>> = {}
  let held: readonly Action[] = []
  for (const [role, added] of steps) {
    held = [...held, ...added]
    table[role] = new Set(held)
  }
  return table
}

/** Key Protect: what its service roles permit. Purging is no step of the ladder. */
const KMS: RoleTable = {
  ...ladder([
    [
      'Reader',
      [
        'kms.secrets.list',
        'kms.secrets.head',
        'kms.secrets-metadata.read',
        'kms.secrets-key-versions.list',
        'kms.key-rings.list',
        'kms.registrations.list',
        'kms.instance-allowed-ip-port.read',
        'kms.secrets.wrap',
        'kms.secrets.unwrap',
        'kms.secrets.rewrap',
        'kms.registrations.create',
        'kms.registrations.write',
        'kms.registrations.delete',
        'kms.secrets-event.ack',
      ],
    ],
    ['ReaderPlus', ['kms.secrets.read']],
    [
      'Writer',
      [
        'kms.secrets.create',
        'kms.secrets.rotate',
        'kms.secrets.setkeyfordeletion',
        'kms.secrets.unsetkeyfordeletion',
        'kms.secrets.sync',
        'kms.import-token.create',
        'kms.import-token.read',
        'kms.key-rings.create',
        'kms.secrets-alias.create',
        'kms.secrets-alias.delete',
      ],
    ],
    [
      'Manager',
      [
        'kms.secrets.disable',
        'kms.secrets.enable',
        'kms.secrets.delete',
        'kms.secrets.restore',
        'kms.secrets.patch',
        'kms.secrets-with-policy-overrides.create',
        'kms.policies.read',
        'kms.policies.write',
        'kms.instance-policies.read',
        'kms.instance-policies.write',
        'kms.key-rings.delete',
      ],
    ],
  ]),
  KeyPurge: new Set<KmsAction>(['kms.secrets.purge']),
}

/** In the table like the rest, but only a service's own identity may do them. */
const SERVICE_ONLY: ReadonlySet<Action> = new Set<KmsAction>([
  'kms.registrations.create',
  'kms.registrations.write',
  'kms.registrations.delete',
  'kms.secrets-event.ack',
])

/** Whatever gives somebody rights, or takes them, is an Administrator's: an Editor who could would have them all. */
const IAM: RoleTable = {
  ...ladder([
    [
      'Viewer',
      [
        'iam.policy.read',
        'iam.role.read',
        'iam-identity.serviceid.get',
        'iam-identity.apikey.get',
        'iam-identity.signing-key.get',
        'user-management.user.retrieve',
        'resource-controller.instance.retrieve',
        'resource-controller.credential.retrieve',
      ],
    ],
    ['Operator', []],
    [
      'Editor',
      [
        'iam-identity.serviceid.create',
        'iam-identity.serviceid.update',
        'resource-controller.instance.create',
        'resource-controller.instance.update',
      ],
    ],
    [
      'Administrator',
      [
        'iam.policy.create',
        'iam.policy.update',
        'iam.policy.delete',
        'iam.role.create',
        'iam.role.update',
        'iam.role.delete',
        'iam.delegation-policy.create',
        'iam.delegation-policy.update',
        'iam.service-token.create',
        'iam.audit-log.read',
        'iam-identity.serviceid.delete',
        'iam-identity.apikey.manage',
        'iam-identity.signing-key.rotate',
        'user-management.user.invite',
        'user-management.user.update',
        'user-management.user.delete',
        'resource-controller.instance.delete',
        'resource-controller.credential.retrieve_all',
        'resource-controller.credential.create',
        'resource-controller.credential.update',
        'resource-controller.credential.delete',
      ],
    ],
  ]),
  AuthorizationDelegator: new Set<IamAction>(['iam.delegation-policy.create', 'iam.delegation-policy.update']),
}

/** The service that an action belongs to. */
export function serviceOf(action: Action): ServiceName {
  if (action.startsWith('s3:')) return 'cloud-object-storage'
  return action.startsWith('kms.') ? 'kms' : 'iam'
}

export const isServiceOnly = (action: Action): boolean => SERVICE_ONLY.has(action)

/** What is not listed is denied. */
export function roleAllows(service: ServiceName, role: Role, action: Action): boolean {
  if (serviceOf(action) !== service) return false
  if (service === 'cloud-object-storage') return objectStorageRoleAllows(role, action)
  return (service === 'kms' ? KMS : IAM)[role]?.has(action) === true
}
