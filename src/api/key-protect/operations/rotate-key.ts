import { empty } from '../../common/reply.ts'
import { payloadOf, rotateBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'

export const rotateKey = defineKeyAction({
  name: 'RotateKey',
  key: 'rotate',
  path: 'actions/rotate',
  action: 'kms.secrets.rotate',
  body: rotateBody,
  run: async ({ request, body }, { kms, caller }) => {
    const payload = payloadOf(body ?? {})
    await kms.rotateKey(caller, request.param('id'), payload ? { payload } : {})
    return empty(204)
  },
})
