import { newRegistrationBody } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { answerRegistration, registrationChange } from '../registering.ts'
import { registrationReply } from '../reply-schemas.ts'

/** A repeat renews. */
export const createRegistration = defineOperation({
  name: 'CreateRegistration',
  method: 'POST',
  path: '/api/v2/keys/:id/registrations/:resourceCrn',
  action: 'kms.registrations.create',
  body: newRegistrationBody,
  reply: registrationReply,
  run: ({ request, body }, context) =>
    answerRegistration(request, context, 201, (key, resourceCrn) =>
      context.kms.register(context.caller, key, { resourceCrn, ...registrationChange(body ?? {}) }),
    ),
})
