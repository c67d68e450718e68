import { kmsError } from '../../../kms/errors.ts'
import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

/** Key Protect keeps this call to services: one takes back what it registered, whatever became of its authorization. */
export const deleteRegistration = defineOperation({
  name: 'DeleteRegistration',
  method: 'DELETE',
  path: '/api/v2/keys/:id/registrations/:resourceCrn',
  action: 'kms.registrations.delete',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    if (caller.principal.type !== 'service') throw kmsError('ServiceOnly', 'registrations are ended by services')
    await kms.deregister(caller, request.param('id'), request.param('resourceCrn'))
    return empty(204)
  },
})
