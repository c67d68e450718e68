import { CodedError } from '../../base/errors.ts'
import { type JsonOperation, type Method, noBody } from '../common/json-operation.ts'
import type { PolicyContext } from './context.ts'
import { type PolicyErrorCode, policyOperation } from './policy-protocol.ts'

/** The calls of one kind of template and of its assignments, which spread it to the accounts of an enterprise. */
function templateCalls(kind: string, collection: string, assignments: string): readonly Call[] {
  const one = `${collection}/:id`
  const version = `${one}/versions/:version`
  const assigned = `${assignments}/:id`
  return [
    [`List${kind}Templates`, 'GET', collection],
    [`Create${kind}Template`, 'POST', collection],
    [`Get${kind}Template`, 'GET', one],
    [`Delete${kind}Template`, 'DELETE', one],
    [`List${kind}TemplateVersions`, 'GET', `${one}/versions`],
    [`Create${kind}TemplateVersion`, 'POST', `${one}/versions`],
    [`Get${kind}TemplateVersion`, 'GET', version],
    [`Replace${kind}Template`, 'PUT', version],
    [`Delete${kind}TemplateVersion`, 'DELETE', version],
    [`Commit${kind}Template`, 'POST', `${version}/commit`],
    [`List${kind}Assignments`, 'GET', assignments],
    [`Create${kind}TemplateAssignment`, 'POST', assignments],
    [`Get${kind}Assignment`, 'GET', assigned],
    [`Update${kind}Assignment`, 'PATCH', assigned],
    [`Delete${kind}Assignment`, 'DELETE', assigned],
  ]
}

type Call = readonly [name: string, method: Method, path: string]

/** Calls of IAM's policy API that this server does not have. They are refused by their names. */
const CALLS: readonly Call[] = [
  ...templateCalls('Policy', '/v1/policy_templates', '/v1/policy_assignments'),
  ...templateCalls('ActionControl', '/v1/action_control_templates', '/v1/action_control_assignments'),
  ...templateCalls('Role', '/v1/role_templates', '/v1/role_assignments'),
  ['GetSettings', 'GET', '/v1/accounts/:id/settings/access_management'],
  ['UpdateSettings', 'PATCH', '/v1/accounts/:id/settings/access_management'],
]

export const notImplementedPolicyCalls: readonly JsonOperation<PolicyContext>[] = CALLS.map(([name, method, path]) =>
  policyOperation({
    name,
    method,
    path,
    body: noBody,
    run: async () => {
      throw new CodedError<PolicyErrorCode>('NotSupported', `${name} is not implemented by this server`)
    },
  }),
)
