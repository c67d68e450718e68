import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

export const createKeyRing = defineOperation({
  name: 'CreateKeyRing',
  method: 'POST',
  path: '/api/v2/key_rings/:ring',
  action: 'kms.key-rings.create',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.createKeyRing(caller, request.param('ring'))
    return empty(201)
  },
})
