import { empty } from '../../common/reply.ts'
import { rotateBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'
import { materialOf } from '../material.ts'

export const rotateKey = defineKeyAction({
  name: 'RotateKey',
  key: 'rotate',
  path: 'actions/rotate',
  action: 'kms.secrets.rotate',
  body: rotateBody,
  run: async ({ request, body }, { kms, caller }) => {
    await kms.rotateKey(caller, request.param('id'), materialOf(body ?? {}))
    return empty(204)
  },
})
