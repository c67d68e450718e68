import { registrationBody } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { answerRegistration, registrationChange } from '../registering.ts'
import { registrationReply } from '../reply-schemas.ts'

export const changeRegistration = defineOperation({
  name: 'UpdateRegistration',
  method: 'PATCH',
  path: '/api/v2/keys/:id/registrations/:resourceCrn',
  action: 'kms.registrations.write',
  body: registrationBody,
  reply: registrationReply,
  run: ({ request, body }, context) =>
    answerRegistration(request, context, 200, (key, resourceCrn) =>
      context.kms.changeRegistration(context.caller, key, resourceCrn, registrationChange(body ?? {})),
    ),
})
