import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import { POLICY_TYPES, type PolicyAttribute, type PolicyDraft } from '../../iam/policy.ts'
import { accountOf, commonMembers, type PolicyFace, serviceOfPolicy, withAccount } from './policy-face.ts'
import type { V1PolicyAnswer } from './reply-schemas.ts'
import { actionText, roleText } from './role-text.ts'

const text = z.string().min(1).max(1000)
const attribute = z.strictObject({
  name: text,
  value: text,
  operator: z.enum(['stringEquals', 'stringMatch']).optional(),
})
const attributes = z.array(attribute).min(1).max(16)

/** A v1 policy as clients send it. Whatever we do not understand is refused: a condition ignored is a right given away. */
export const v1PolicyBody = z.strictObject({
  type: z.enum(POLICY_TYPES),
  subjects: z.array(z.strictObject({ attributes })).max(8),
  roles: z
    .array(z.strictObject({ role_id: text, display_name: z.string().optional(), description: z.string().optional() }))
    .max(16),
  resources: z
    .array(z.strictObject({ attributes, tags: z.array(z.unknown()).max(0, 'resources have no tags here').optional() }))
    .max(8),
  description: z.string().max(1024).optional(),
})

/** `accountId`: the account that attributes without an account mean. Throws PolicyInvalid. */
export function readV1Policy(
  { type, subjects, resources, roles, description }: z.output<typeof v1PolicyBody>,
  accountId: string,
): PolicyDraft {
  const subject = only('subjects', subjects)
  const resource = only('resources', resources)
  return {
    type,
    accountId: accountOf(resource, accountId),
    subject: type === 'authorization' ? withAccount(subject, accountId) : subject,
    resource: withAccount(resource, accountId),
    roles: roles.map(({ role_id }) => role_id),
    description,
  }
}

function only(
  where: string,
  groups: readonly { readonly attributes: z.output<typeof attributes> }[],
): readonly PolicyAttribute[] {
  const [group, ...more] = groups
  if (!group || more.length > 0)
    throw new CodedError<IamErrorCode>('PolicyInvalid', `${where} must have exactly one element`)
  return group.attributes.map(({ name, value, operator = 'stringEquals' }) => ({ key: name, operator, value }))
}

/**
 * Operators and rules that only v2 can set are shown as they are, so that whoever lists policies here sees all of them;
 * v1 subjects have no operators but those.
 */
export const writeV1Policy: PolicyFace<V1PolicyAnswer> = (iam, policy, request, format) => {
  const { id, type, description, subject, resource, roles, pattern, rule } = policy
  const service = serviceOfPolicy(policy)
  return {
    id,
    type,
    ...(description === undefined ? {} : { description }),
    subjects: [
      {
        attributes: subject.map(({ key, operator, value }) =>
          operator === 'stringEquals' ? { name: key, value } : { name: key, value, operator },
        ),
      },
    ],
    roles: roles.map((roleId) => {
      const { actions, display_name, description: told } = roleText(iam, roleId, service)
      const shown = { role_id: roleId, display_name, description: told }
      return format === 'display' ? { ...shown, actions: actions.map(actionText) } : shown
    }),
    resources: [{ attributes: resource.map(({ key, operator, value }) => ({ name: key, value, operator })) }],
    ...(rule === undefined ? {} : { pattern, rule }),
    ...commonMembers(iam, policy, request, 'v1', format),
  }
}

/** Replacing such a policy by what v1 can say would lose the rest. */
export const isBeyondV1 = ({ subject, resource, rule }: PolicyDraft): boolean =>
  rule !== undefined ||
  [...subject, ...resource].some(({ operator }) => operator !== 'stringEquals' && operator !== 'stringMatch')
