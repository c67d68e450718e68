import { z } from 'zod'
import { LEAK_ACTIONS } from '../../iam/api-key-management.ts'
import { POLICY_TYPES } from '../../iam/policy.ts'
import { policyRule } from '../../iam/policy-schema.ts'
import { USER_STATES } from '../../iam/records.ts'
import type { AnswerOf } from '../common/json-operation.ts'

const text = z.string().optional()
const time = z.string().meta({ description: 'ISO 8601, in UTC.' })
/** Of identities: `2026-01-31T12:30+0000`. */
const minute = z.string().meta({ description: 'To the minute: `2026-01-31T12:30+0000`.' })

export const tokenAnswer = z.object({
  access_token: z.string(),
  refresh_token: z.string().meta({ description: '`not_supported`, but for a client that can refresh.' }),
  token_type: z.string(),
  expires_in: z.int(),
  expiration: z.int(),
  scope: z.string(),
})

export const keySetAnswer = z.object({
  keys: z.array(
    z.object({ kty: z.string(), n: z.string(), e: z.string(), alg: z.string(), use: z.string(), kid: z.string() }),
  ),
})

export const openidConfigurationAnswer = z.object({
  issuer: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  grant_types_supported: z.array(z.string()),
  response_types_supported: z.array(z.string()),
  subject_types_supported: z.array(z.string()),
  id_token_signing_alg_values_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  scopes_supported: z.array(z.string()),
})

const made = { created_at: time, created_by_id: z.string(), last_modified_at: time, last_modified_by_id: z.string() }

const action = z.object({ id: z.string(), display_name: z.string(), description: z.string() })
const attributeValue = z.union([z.string(), z.boolean(), z.array(z.string())])
const v1Attributes = z.object({
  attributes: z.array(z.object({ name: z.string(), value: attributeValue, operator: text })),
})
const v2Attributes = z.object({
  attributes: z.array(z.object({ key: z.string(), operator: z.string(), value: attributeValue })),
})
const policyMembers = {
  id: z.string(),
  type: z.enum(POLICY_TYPES),
  description: text,
  pattern: text,
  rule: policyRule.optional(),
  href: z.string(),
  ...made,
  state: z.enum(['active', 'deleted']),
  last_permit_at: time.optional().meta({ description: 'Where the query asks for it, as is the next.' }),
  last_permit_frequency: z.int().optional(),
}
export const v1PolicyAnswer = z.object({
  ...policyMembers,
  subjects: z.array(v1Attributes),
  roles: z.array(
    z.object({
      role_id: z.string(),
      display_name: z.string(),
      description: z.string(),
      actions: z.array(action).optional(),
    }),
  ),
  resources: z.array(v1Attributes),
})
export const v2PolicyAnswer = z.object({
  ...policyMembers,
  subject: v2Attributes,
  resource: v2Attributes,
  control: z.object({
    grant: z.object({
      roles: z.array(
        z.object({ role_id: z.string(), display_name: text, description: text, actions: z.array(action).optional() }),
      ),
    }),
  }),
})
const policiesOf = (policy: z.ZodType) =>
  z.object({
    limit: z.int().optional(),
    first: z.object({ href: z.string() }).optional(),
    next: z.object({ start: z.string(), href: z.string() }).optional(),
    policies: z.array(policy),
  })
export const v1PoliciesAnswer = policiesOf(v1PolicyAnswer)
export const v2PoliciesAnswer = policiesOf(v2PolicyAnswer)

export const customRoleAnswer = z.object({
  id: z.string(),
  name: z.string(),
  display_name: z.string(),
  description: text,
  actions: z.array(z.string()),
  crn: z.string(),
  account_id: z.string(),
  service_name: z.string(),
  href: z.string(),
  ...made,
})
const roleAnswer = z.object({
  crn: z.string(),
  display_name: z.string(),
  description: z.string(),
  actions: z.array(z.string()),
})
export const rolesAnswer = z.object({
  custom_roles: z.array(customRoleAnswer),
  service_roles: z.array(roleAnswer),
  system_roles: z.array(roleAnswer),
})

/** Of the request that is answered. */
export const contextAnswer = z.object({ transaction_id: z.string(), operation: z.string(), url: z.string() })

const lifeAnswer = z.object({
  entity_tag: z.string(),
  created_at: minute.optional(),
  created_by: z.string(),
  modified_at: minute.optional(),
  history: z
    .array(
      z.object({
        timestamp: minute,
        iam_id: z.string(),
        iam_id_account: z.string(),
        action: z.string(),
        params: z.array(z.string()),
        message: z.string(),
      }),
    )
    .optional()
    .meta({ description: 'With `include_history=true`.' }),
})

const apiKeyAnswer = z.object({
  id: z.string(),
  crn: z.string(),
  iam_id: z.string(),
  account_id: z.string(),
  name: z.string(),
  description: text,
  locked: z.boolean(),
  disabled: z.boolean(),
  support_sessions: z.boolean(),
  action_when_leaked: z.string().meta({ description: LEAK_ACTIONS.join(', ') }),
  expires_at: minute.optional(),
  apikey: z.string().meta({ description: 'Where it was just made, and empty ever after.' }),
  ...lifeAnswer.shape,
})
const serviceIdAnswer = z.object({
  id: z.string(),
  iam_id: z.string(),
  crn: z.string(),
  account_id: z.string(),
  name: z.string(),
  description: text,
  unique_instance_crns: z.array(z.string()).optional(),
  locked: z.boolean(),
  ...lifeAnswer.shape,
})
const page = {
  context: contextAnswer,
  offset: z.int(),
  limit: z.int(),
  first: z.string(),
  previous: text,
  next: text,
}
export const oneApiKeyAnswer = apiKeyAnswer.extend({ context: contextAnswer })
export const apiKeysAnswer = z.object({ ...page, apikeys: z.array(apiKeyAnswer) })
export const oneServiceIdAnswer = serviceIdAnswer.extend({ context: contextAnswer })
export const newServiceIdAnswer = oneServiceIdAnswer.extend({
  apikey: apiKeyAnswer.optional().meta({ description: 'Where one was asked for.' }),
})
export const serviceIdsAnswer = z.object({ ...page, serviceids: z.array(serviceIdAnswer) })

export const signingKeyAnswer = z.object({
  kid: z.string(),
  state: z.enum(['waiting', 'signing', 'retired']),
  created_at: time.optional(),
  signs_from: time.optional(),
})
export const signingKeysAnswer = z.object({ signing_keys: z.array(signingKeyAnswer) })

export const userSettingsAnswer = z.object({
  language: z.string(),
  notification_language: z.string(),
  allowed_ip_addresses: z.string(),
  self_manage: z.boolean(),
})
export const userAnswer = z.object({
  id: z.string(),
  iam_id: z.string(),
  realm: z.string(),
  user_id: z.string(),
  firstname: z.string(),
  lastname: z.string(),
  state: z.enum(USER_STATES),
  email: z.string(),
  phonenumber: z.string(),
  altphonenumber: z.string(),
  photo: z.string(),
  account_id: z.string(),
  added_on: time.optional(),
  settings: userSettingsAnswer.optional().meta({ description: 'With `include_settings=true`.' }),
})
export const usersAnswer = z.object({
  total_results: z.int(),
  limit: z.int(),
  first_url: z.string(),
  next_url: text,
  resources: z.array(userAnswer),
})
export const invitedAnswer = z.object({
  resources: z.array(z.object({ email: z.string(), id: z.string(), state: z.enum(USER_STATES) })),
})

const operation = z.object({ type: z.string(), sub_type: text })
const resourceMembers = {
  id: z.string(),
  guid: z.string(),
  url: z.string(),
  crn: z.string(),
  name: z.string(),
  account_id: z.string(),
  resource_id: z.string(),
  resource_group_id: z.string(),
  state: z.enum(['active', 'removed']),
  onetime_credentials: z.boolean(),
  migrated: z.boolean(),
  created_by: z.string(),
  updated_by: z.string(),
  deleted_at: time.nullable(),
  deleted_by: z.string(),
}
export const instanceAnswer = z.object({
  ...resourceMembers,
  resource_plan_id: z.string(),
  target_crn: z.string(),
  region_id: z.string(),
  type: z.string(),
  locked: z.boolean(),
  allow_cleanup: z.boolean(),
  resource_keys_url: z.string(),
  created_at: time.nullable(),
  updated_at: time.nullable(),
  last_operation: operation
    .extend({
      state: z.string(),
      async: z.boolean(),
      description: z.string(),
      cancelable: z.boolean(),
      poll: z.boolean(),
    })
    .optional(),
  plan_history: z.array(z.object({ resource_plan_id: z.string(), start_date: time })),
})
const credentials = z.object({
  apikey: z.string().optional().meta({ description: 'Where it was just made, and never again.' }),
  cos_hmac_keys: z.object({ access_key_id: z.string(), secret_access_key: z.string() }).optional(),
  iam_apikey_description: z.string(),
  iam_apikey_id: z.string(),
  iam_apikey_name: z.string(),
  iam_role_crn: text,
  iam_serviceid_crn: z.string(),
  resource_instance_id: z.string(),
})
const redacted = z.object({ REDACTED: z.enum(['REDACTED', 'REDACTED_EXPLICIT']) })
const toldCredentials = z.union([credentials, redacted])
export const resourceKeyAnswer = z.object({
  ...resourceMembers,
  source_crn: z.string(),
  resource_instance_url: z.string(),
  resource_alias_url: z.null(),
  iam_compatible: z.boolean(),
  created_at: time,
  updated_at: time,
  credentials: toldCredentials.optional(),
})
const resourcesOf = (resource: z.ZodType) =>
  z.object({ rows_count: z.int(), next_url: z.string().nullable(), resources: z.array(resource) })
export const instancesAnswer = resourcesOf(instanceAnswer)
export const resourceKeysAnswer = resourcesOf(resourceKeyAnswer)

export type ActionAnswer = AnswerOf<typeof action>
export type V1PolicyAnswer = AnswerOf<typeof v1PolicyAnswer>
export type V2PolicyAnswer = AnswerOf<typeof v2PolicyAnswer>
export type PolicyLinks = Omit<AnswerOf<typeof v1PoliciesAnswer>, 'policies'>
export type CustomRoleAnswer = AnswerOf<typeof customRoleAnswer>
export type RoleAnswer = AnswerOf<typeof roleAnswer>
export type ContextAnswer = AnswerOf<typeof contextAnswer>
export type LifeAnswer = AnswerOf<typeof lifeAnswer>
export type ApiKeyAnswer = AnswerOf<typeof apiKeyAnswer>
export type ServiceIdAnswer = AnswerOf<typeof serviceIdAnswer>
export type SigningKeyAnswer = AnswerOf<typeof signingKeyAnswer>
export type UserAnswer = AnswerOf<typeof userAnswer>
export type UserSettingsAnswer = AnswerOf<typeof userSettingsAnswer>
export type OperationAnswer = AnswerOf<typeof operation>
export type LastOperationAnswer = NonNullable<InstanceAnswer['last_operation']>
export type InstanceAnswer = AnswerOf<typeof instanceAnswer>
export type CredentialsAnswer = AnswerOf<typeof credentials>
export type RedactedAnswer = AnswerOf<typeof redacted>
export type ToldCredentialsAnswer = AnswerOf<typeof toldCredentials>
export type ResourceKeyAnswer = AnswerOf<typeof resourceKeyAnswer>
