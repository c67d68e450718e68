import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineKeyAction } from '../key-action.ts'

export const disableKey = defineKeyAction({
  name: 'DisableKey',
  key: 'disable',
  path: 'actions/disable',
  action: 'kms.secrets.disable',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.disableKey(caller, request.param('id'))
    return empty(204)
  },
})
