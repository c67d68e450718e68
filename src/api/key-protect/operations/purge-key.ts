import { noBody } from '../../common/json-operation.ts'
import { empty, json } from '../../common/reply.ts'
import { defineOperation, preference } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyReply } from '../reply-schemas.ts'

export const purgeKey = defineOperation({
  name: 'PurgeKey',
  method: 'DELETE',
  path: '/api/v2/keys/:id/purge',
  action: 'kms.secrets.purge',
  body: noBody,
  reply: keyReply,
  run: async ({ request }, { kms, caller }) => {
    const key = await kms.purgeKey(caller, request.param('id'))
    return preference(request) === 'representation' ? json(200, collection('key', [keyResource(key)])) : empty(204)
  },
})
