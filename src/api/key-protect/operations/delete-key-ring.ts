import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { booleanQuery } from '../query.ts'
import { takesForce } from '../taken-queries.ts'

export const deleteKeyRing = defineOperation({
  name: 'DeleteKeyRing',
  method: 'DELETE',
  path: '/api/v2/key_rings/:ring',
  action: 'kms.key-rings.delete',
  body: noBody,
  takes: takesForce,
  run: async ({ request }, { kms, caller }) => {
    await kms.deleteKeyRing(caller, request.param('ring'), { force: booleanQuery(request, 'force') ?? false })
    return empty(204)
  },
})
