import { z } from 'zod'
import { POLICY_TYPES, type PolicyAttribute, type PolicyDraft } from '../../iam/policy.ts'
import { policyAttribute, policyRule } from '../../iam/policy-schema.ts'
import { accountOf, commonMembers, type PolicyFace, serviceOfPolicy, withAccount } from './policy-face.ts'
import type { V2PolicyAnswer } from './reply-schemas.ts'
import { actionText, roleText } from './role-text.ts'

/** `stringExists` takes a boolean; clients that only know text send it as such. */
const attribute = z.preprocess(
  (given) =>
    typeof given === 'object' && given !== null && 'operator' in given && given.operator === 'stringExists'
      ? { ...given, value: 'value' in given ? asBoolean(given.value) : undefined }
      : given,
  policyAttribute,
)
const asBoolean = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value)
const attributes = z.array(attribute).min(1).max(16)
const text = z.string().min(1).max(1000)

/** A v2 policy as clients send it. Whatever we do not understand is refused: a condition ignored is a right given away. */
export const v2PolicyBody = z.strictObject({
  type: z.enum(POLICY_TYPES),
  description: z.string().max(1024).optional(),
  control: z.strictObject({
    grant: z.strictObject({
      roles: z
        .array(z.strictObject({ role_id: text }))
        .min(1)
        .max(16),
    }),
  }),
  subject: z.strictObject({ attributes }),
  resource: z.strictObject({
    attributes,
    tags: z.array(z.unknown()).max(0, 'resources have no tags here').optional(),
  }),
  pattern: text.optional(),
  rule: policyRule.optional(),
})

/** `accountId`: the account that attributes without an account mean. */
export function readV2Policy(
  { type, description, control, subject, resource, pattern, rule }: z.output<typeof v2PolicyBody>,
  accountId: string,
): PolicyDraft {
  return {
    type,
    accountId: accountOf(resource.attributes, accountId),
    subject: type === 'authorization' ? withAccount(subject.attributes, accountId) : subject.attributes,
    resource: withAccount(resource.attributes, accountId),
    roles: control.grant.roles.map(({ role_id }) => role_id),
    description,
    pattern,
    rule,
  }
}

export const writeV2Policy: PolicyFace<V2PolicyAnswer> = (iam, policy, request, format) => {
  const { id, type, description, subject, resource, roles, pattern, rule } = policy
  const service = serviceOfPolicy(policy)
  const shown = ({ key, operator, value }: PolicyAttribute) => ({ key, operator, value })
  return {
    id,
    type,
    ...(description === undefined ? {} : { description }),
    subject: { attributes: subject.map(shown) },
    resource: { attributes: resource.map(shown) },
    control: {
      grant: {
        roles: roles.map((roleId) => {
          if (format !== 'display') return { role_id: roleId }
          const { actions, display_name, description: told } = roleText(iam, roleId, service)
          return { role_id: roleId, display_name, description: told, actions: actions.map(actionText) }
        }),
      },
    },
    ...(rule === undefined ? {} : { pattern, rule }),
    ...commonMembers(iam, policy, request, 'v2', format),
  }
}
