import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { assertService } from '../registering.ts'

/** Key Protect keeps this call to services: one takes back what it registered, whatever became of its authorization. */
export const deleteRegistration = defineOperation({
  name: 'DeleteRegistration',
  method: 'DELETE',
  path: '/api/v2/keys/:id/registrations/:resourceCrn',
  action: 'kms.registrations.delete',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    assertService({ caller })
    await kms.deregister(caller, request.param('id'), request.param('resourceCrn'))
    return empty(204)
  },
})
