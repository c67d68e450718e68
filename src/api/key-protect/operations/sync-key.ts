import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

/** Key Protect: has no older form with `?action=`. */
export const syncKey = defineOperation({
  name: 'SyncAssociatedResources',
  method: 'POST',
  path: '/api/v2/keys/:id/actions/sync',
  action: 'kms.secrets.sync',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.syncKey(caller, request.param('id'))
    return empty(204)
  },
})
