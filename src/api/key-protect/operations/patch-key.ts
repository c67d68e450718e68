import { json } from '../../common/reply.ts'
import { patchBody } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyReply } from '../reply-schemas.ts'

export const patchKey = defineOperation({
  name: 'PatchKey',
  method: 'PATCH',
  path: '/api/v2/keys/:id',
  action: 'kms.secrets.patch',
  body: patchBody,
  reply: keyReply,
  run: async ({ request, body }, { kms, caller }) => {
    const key = await kms.moveKey(caller, request.param('id'), body.keyRingID)
    return json(200, collection('key', [keyResource(key)]))
  },
})
