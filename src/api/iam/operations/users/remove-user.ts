import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findPerson } from './find-person.ts'

const removeUserAt = (name: string, path: string, status: number) =>
  entityOperation({
    name,
    method: 'DELETE',
    path,
    action: 'user-management.user.delete',
    body: noBody,
    run: async ({ request }, context) => {
      await context.iam.people.remove(findPerson(request, context, 'user-management.user.delete'))
      return empty(status)
    },
  })

/** With API keys, HMAC credentials and tokens, at once. */
export const removeUser = removeUserAt('RemoveUser', '/v2/accounts/:account_id/users/:iam_id', 204)
/** IBM removes in the background here, and says so; nothing is left to do here when the answer comes. */
export const removeUserV3 = removeUserAt('RemoveUserV3', '/v3/accounts/:account_id/users/:iam_id', 202)
