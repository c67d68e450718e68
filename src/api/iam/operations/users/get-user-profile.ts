import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { userAnswer } from '../../reply-schemas.ts'
import { writePerson } from '../../user-wire.ts'
import { findPerson } from './find-person.ts'

export const getUserProfile = entityOperation({
  name: 'GetUserProfile',
  method: 'GET',
  path: '/v2/accounts/:account_id/users/:iam_id',
  action: 'user-management.user.retrieve',
  body: noBody,
  reply: userAnswer,
  run: async ({ request }, context) =>
    json(200, writePerson(findPerson(request, context, 'user-management.user.retrieve', true))),
})
