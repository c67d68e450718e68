import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

export const deleteAlias = defineOperation({
  name: 'DeleteKeyAlias',
  method: 'DELETE',
  path: '/api/v2/keys/:id/aliases/:alias',
  action: 'kms.secrets-alias.delete',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.deleteAlias(caller, request.param('id'), request.param('alias'))
    return empty(204)
  },
})
