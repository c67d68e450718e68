import { z } from 'zod'
import { USER_STATES } from '../../../../iam/records.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findPerson } from './find-person.ts'

/** Everybody edits themselves, but for what lets them in: their state and the address that their tokens name. */
export const updateUserProfile = entityOperation({
  name: 'UpdateUserProfile',
  method: 'PATCH',
  path: '/v2/accounts/:account_id/users/:iam_id',
  action: 'user-management.user.update',
  body: z.strictObject({
    firstname: z.string().optional(),
    lastname: z.string().optional(),
    state: z.enum(USER_STATES).optional(),
    email: z.string().optional(),
    phonenumber: z.string().optional(),
    altphonenumber: z.string().optional(),
    photo: z.string().optional(),
  }),
  run: async ({ request, body }, context) => {
    const forSelf = body.state === undefined && body.email === undefined
    const person = findPerson(request, context, 'user-management.user.update', forSelf)
    await context.iam.people.update(person, body, context.principal)
    return empty(204)
  },
})
