import { empty } from '../../common/reply.ts'
import { disableBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'

export const disableKey = defineKeyAction({
  name: 'DisableKey',
  key: 'disable',
  path: 'actions/disable',
  action: 'kms.secrets.disable',
  body: disableBody,
  run: async ({ request, body }, { kms, caller }) => {
    await kms.disableKey(caller, request.param('id'), body?.reason || undefined)
    return empty(204)
  },
})
