import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineKeyAction } from '../key-action.ts'

export const enableKey = defineKeyAction({
  name: 'EnableKey',
  key: 'enable',
  path: 'actions/enable',
  action: 'kms.secrets.enable',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.enableKey(caller, request.param('id'))
    return empty(204)
  },
})
