import { z } from 'zod'
import { CodedError } from '../../../../base/errors.ts'
import type { IamErrorCode } from '../../../../iam/errors.ts'
import type { PolicyDraft } from '../../../../iam/policy.ts'
import { json } from '../../../common/reply.ts'
import { requirePermission } from '../../context.ts'
import { type EntityContext, entityOperation } from '../../entity-protocol.ts'
import { requirePolicyPermission } from '../../find-policy.ts'
import { invitedAnswer } from '../../reply-schemas.ts'
import { readV1Policy, v1PolicyBody } from '../../v1-policy.ts'

const body = z.strictObject({
  users: z
    .array(
      z.strictObject({
        email: z.string(),
        account_role: z
          .string()
          .regex(/^(?:Member|MEMBER)$/)
          .optional(),
      }),
    )
    .min(1)
    .max(50),
  iam_policy: z
    .array(v1PolicyBody.pick({ roles: true, resources: true }).extend({ type: z.literal('access').optional() }))
    .max(16)
    .optional(),
  access_groups: z.array(z.unknown()).max(0, 'there are no access groups').optional(),
})

/**
 * No mail is sent and nobody has to confirm: the user is there, with the access policies that came along, and without
 * credentials. A first API key (`POST /v1/apikeys` with the new IAM id) is what they need next.
 */
export const inviteUsers = entityOperation({
  name: 'InviteUsers',
  method: 'POST',
  path: '/v2/accounts/:account_id/users',
  action: 'user-management.user.invite',
  body,
  reply: invitedAnswer,
  run: async ({ request, body: { users, iam_policy = [] } }, context) => {
    const accountId = request.param('account_id')
    requirePermission(context, 'user-management.user.invite', accountId)
    refuseServiceId(context)
    const grantsTo = (iamId: string): readonly PolicyDraft[] =>
      iam_policy.map((policy) => readV1Policy({ ...policy, type: 'access', subjects: [subjectOf(iamId)] }, accountId))
    for (const draft of grantsTo('IBMid-new')) requirePolicyPermission(context, 'iam.policy.create', draft)
    const emails = users.map(({ email }) => email)
    const invited = await context.iam.people.invite({ accountId, emails, grantsTo }, context.principal)
    return json(202, {
      resources: invited.map(({ email, iamId, profile }) => ({ email, id: iamId, state: profile.state })),
    })
  },
})

const subjectOf = (iamId: string) => ({ attributes: [{ name: 'iam_id', value: iamId }] })

/** IBM: "Service IDs can't invite users to the account." */
function refuseServiceId({ principal }: EntityContext): void {
  if (principal.type === 'service-id') {
    throw new CodedError<IamErrorCode>('NotPermitted', 'a service ID cannot invite users')
  }
}
