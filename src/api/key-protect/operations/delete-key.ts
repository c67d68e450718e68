import { noBody } from '../../common/json-operation.ts'
import { empty, json } from '../../common/reply.ts'
import { defineOperation, preference } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { booleanQuery } from '../query.ts'
import { keyReply } from '../reply-schemas.ts'
import { takesForce } from '../taken-queries.ts'

export const deleteKey = defineOperation({
  name: 'DeleteKey',
  method: 'DELETE',
  path: '/api/v2/keys/:id',
  action: 'kms.secrets.delete',
  body: noBody,
  takes: takesForce,
  reply: keyReply,
  run: async ({ request }, { kms, caller }) => {
    const force = booleanQuery(request, 'force') ?? false
    const key = await kms.deleteKey(caller, request.param('id'), { force })
    return preference(request) === 'representation' ? json(200, collection('key', [keyResource(key)])) : empty(204)
  },
})
