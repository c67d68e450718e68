import { empty, json } from '../../common/reply.ts'
import { newKeyBody, onlyResource } from '../bodies.ts'
import { preference } from '../context.ts'
import { collection } from '../envelope.ts'
import { defineKeyAction } from '../key-action.ts'
import { keyResource } from '../key-resource.ts'
import { materialOf } from '../material.ts'
import { keyReply } from '../reply-schemas.ts'

export const restoreKey = defineKeyAction({
  name: 'RestoreKey',
  key: 'restore',
  path: 'restore',
  action: 'kms.secrets.restore',
  // Key Protect: older clients send the imported material again, newer ones nothing, `{}` or null.
  body: newKeyBody.nullish(),
  reply: keyReply,
  run: async ({ request, body }, { kms, caller }) => {
    const material = body?.resources ? materialOf(onlyResource(body)) : {}
    const key = await kms.restoreKey(caller, request.param('id'), material)
    return preference(request) === 'minimal' ? empty(201) : json(201, collection('key', [keyResource(key)]))
  },
})
