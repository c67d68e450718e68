import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyReply } from '../reply-schemas.ts'

export const getKey = defineOperation({
  name: 'GetKey',
  method: 'GET',
  path: '/api/v2/keys/:id',
  action: 'kms.secrets.read',
  body: noBody,
  reply: keyReply,
  run: async ({ request }, { kms, caller }) => {
    const { key, payload } = kms.getKey(caller, request.param('id'))
    return json(200, collection('key', [keyResource(key, payload)]))
  },
})
