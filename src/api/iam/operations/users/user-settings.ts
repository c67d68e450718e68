import { z } from 'zod'
import { noBody } from '../../../common/json-operation.ts'
import { empty, json } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { userSettingsAnswer } from '../../reply-schemas.ts'
import { writeSettings } from '../../user-wire.ts'
import { findPerson } from './find-person.ts'

const path = '/v2/accounts/:account_id/users/:iam_id/settings'

export const getUserSettings = entityOperation({
  name: 'GetUserSettings',
  method: 'GET',
  path,
  action: 'user-management.user.retrieve',
  body: noBody,
  reply: userSettingsAnswer,
  run: async ({ request }, context) =>
    json(200, writeSettings(findPerson(request, context, 'user-management.user.retrieve', true))),
})

/** What would have to act and does not is refused. */
export const updateUserSettings = entityOperation({
  name: 'UpdateUserSettings',
  method: 'PATCH',
  path,
  action: 'user-management.user.update',
  body: z.strictObject({
    language: z.string().optional(),
    notification_language: z.string().optional(),
    allowed_ip_addresses: z.literal('', 'addresses of users cannot be restricted here').optional(),
    self_manage: z.literal(false, 'there is no login that users could manage').optional(),
  }),
  run: async ({ request, body }, context) => {
    const person = findPerson(request, context, 'user-management.user.update', true)
    const patch = { language: body.language, notificationLanguage: body.notification_language }
    await context.iam.people.update(person, patch, context.principal)
    return empty(204)
  },
})
