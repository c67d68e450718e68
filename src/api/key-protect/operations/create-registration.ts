import { kmsError } from '../../../kms/errors.ts'
import { json } from '../../common/reply.ts'
import { registrationBody } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { registrationResource } from '../registration-resource.ts'

/** Key Protect keeps this call to services: one registers the resources of its own instance. A repeat renews. */
export const createRegistration = defineOperation({
  name: 'CreateRegistration',
  method: 'POST',
  path: '/api/v2/keys/:id/registrations/:resourceCrn',
  action: 'kms.registrations.create',
  body: registrationBody,
  run: async ({ request, body }, { kms, caller }) => {
    if (caller.principal.type !== 'service') throw kmsError('ServiceOnly', 'registrations are made by services')
    const [key, resourceCrn] = [request.param('id'), request.param('resourceCrn')]
    const { description, preventKeyDeletion } = body ?? {}
    await kms.register(caller, key, {
      resourceCrn,
      ...(description === undefined ? {} : { description }),
      ...(preventKeyDeletion === undefined ? {} : { preventKeyDeletion }),
    })
    const made = kms.listRegistrations(caller, key, { resourceCrnQuery: resourceCrn }, { offset: 0, limit: 1 })
    return json(201, collection('registration', made.items.map(registrationResource)))
  },
})
