import { CodedError } from '../../base/errors.ts'
import { ROLES, type Role, type ServiceName } from '../../iam/principal.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'

const DESCRIPTIONS: Readonly<Partial<Record<Role, string>>> = {
  Reader: 'As a reader, you can perform read-only actions within a service such as viewing service-specific resources.',
  ReaderPlus: 'Reader, and access to the payload of standard keys.',
  Writer: 'Reader, and creating and editing service-specific resources.',
  Manager: 'Writer, and privileged actions as defined by the service.',
}

/**
 * `crn:v1:bluemix:public:iam::::serviceRole:Reader`, or the same with a service in place of iam. Platform roles
 * (`…::::role:Viewer`) give a service nothing to do and are refused. Throws PolicyInvalid.
 */
export function readRole(roleId: string): Role {
  const name = /^crn:v1:bluemix:public:(?:iam|kms|cloud-object-storage)::::serviceRole:(\w+)$/.exec(roleId)?.[1]
  const role = ROLES.find((known) => known === name)
  if (!role) throw new CodedError<PolicyErrorCode>('PolicyInvalid', `roles: ${roleId} is not a service role known here`)
  return role
}

export function writeRole(role: Role, service: ServiceName): object {
  const owner = ['Reader', 'Writer', 'Manager'].includes(role) ? 'iam' : service
  return {
    role_id: `crn:v1:bluemix:public:${owner}::::serviceRole:${role}`,
    display_name: role,
    description: DESCRIPTIONS[role] ?? role,
  }
}
