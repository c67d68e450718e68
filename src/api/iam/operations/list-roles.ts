import { CodedError } from '../../../base/errors.ts'
import { SERVICE_NAMES } from '../../../iam/principal.ts'
import { PLATFORM_ROLES } from '../../../iam/role-id.ts'
import { SERVICE_ROLES } from '../../../iam/services.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { writeCustomRole } from '../custom-role.ts'
import { type PolicyErrorCode, policyOperation } from '../policy-protocol.ts'
import { rolesAnswer } from '../reply-schemas.ts'
import { platformRoleText, serviceRoleText } from '../role-text.ts'
import { takesRoles } from '../taken-queries.ts'

/** System roles always, service roles of the service asked for, custom roles of the account where the caller may see them. */
export const listRoles = policyOperation({
  name: 'ListRoles',
  method: 'GET',
  path: '/v2/roles',
  action: 'iam.role.read',
  body: noBody,
  takes: takesRoles,
  reply: rolesAnswer,
  run: async ({ request }, { iam, principal }) => {
    const { query } = request
    const name = query.get('service_name')
    const service = SERVICE_NAMES.find((known) => known === name)
    if (name !== undefined && !service) throw unknown('service_name', SERVICE_NAMES)
    const type = query.get('policy_type')
    if (type !== undefined && type !== 'access' && type !== 'authorization')
      throw unknown('policy_type', ['access', 'authorization'])
    const accountId = query.get('account_id')
    const mayRead =
      accountId !== undefined && iam.decide(principal, 'iam.role.read', { service: 'iam', accountId }).allowed
    // A service is not a person: of the platform roles it may be given but this one, and no custom ones.
    const forServices = type === 'authorization' || query.has('source_service_name')
    const system = PLATFORM_ROLES.filter((role) => (role === 'AuthorizationDelegator') === forServices)
    const custom = mayRead && !forServices ? iam.customRoles.list(accountId) : []
    return json(200, {
      custom_roles: custom
        .filter(({ serviceName }) => service === undefined || serviceName === service)
        .map((role) => writeCustomRole(role, request)),
      service_roles: service === undefined ? [] : SERVICE_ROLES[service].map((role) => serviceRoleText(service, role)),
      system_roles: system.map(platformRoleText),
    })
  },
})

const unknown = (name: string, values: readonly string[]): CodedError<PolicyErrorCode> =>
  new CodedError('ParameterInvalid', `${name} must be one of ${values.join(', ')}`)
