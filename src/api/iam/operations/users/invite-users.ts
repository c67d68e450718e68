import { z } from 'zod'
import { CodedError } from '../../../../base/errors.ts'
import type { IamErrorCode } from '../../../../iam/errors.ts'
import { json } from '../../../common/reply.ts'
import { requireInAccount } from '../../entity-access.ts'
import { type EntityContext, entityOperation } from '../../entity-protocol.ts'

const body = z.strictObject({
  users: z
    .array(z.strictObject({ email: z.string(), account_role: z.enum(['Member', 'MEMBER']).optional() }))
    .min(1)
    .max(50),
  iam_policy: z.array(z.unknown()).max(0, 'give access policies to the user when there is one').optional(),
  access_groups: z.array(z.unknown()).max(0, 'there are no access groups').optional(),
})

/**
 * No mail is sent and nobody has to confirm: the user is there, with neither rights nor credentials. Access policies and a
 * first API key (`POST /v1/apikeys` with the new IAM id) are what they need next.
 */
export const inviteUsers = entityOperation({
  name: 'InviteUsers',
  method: 'POST',
  path: '/v2/accounts/:account_id/users',
  action: 'user-management.user.invite',
  body,
  run: async ({ request, body: { users } }, context) => {
    const accountId = request.param('account_id')
    requireInAccount(context, 'user-management.user.invite', accountId)
    refuseServiceId(context)
    const emails = users.map(({ email }) => email)
    const invited = await context.iam.people.invite(accountId, emails, context.principal)
    return json(202, {
      resources: invited.map(({ email, iamId, profile }) => ({ email, id: iamId, state: profile.state })),
    })
  },
})

/** IBM: "Service IDs can't invite users to the account." */
function refuseServiceId({ principal }: EntityContext): void {
  if (principal.type === 'service-id') {
    throw new CodedError<IamErrorCode>('NotPermitted', 'a service ID cannot invite users')
  }
}
