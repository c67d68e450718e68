import { z } from 'zod'
import { CodedError } from '../../../../base/errors.ts'
import type { IamErrorCode } from '../../../../iam/errors.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'

/** Whoever has a token is in the account already, which IBM answers with 204; to another one there can be no invitation. */
export const acceptInvitation = entityOperation({
  name: 'AcceptInvitation',
  method: 'POST',
  path: '/v2/users/accept',
  body: z.strictObject({ account_id: z.string() }),
  run: async ({ body }, { principal }) => {
    if (body.account_id !== principal.accountId) {
      throw new CodedError<IamErrorCode>('UnknownAccount', 'there is no invitation to this account')
    }
    return empty(204)
  },
})
