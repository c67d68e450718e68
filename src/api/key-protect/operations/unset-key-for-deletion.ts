import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineKeyAction } from '../key-action.ts'

export const unsetKeyForDeletion = defineKeyAction({
  name: 'UnsetKeyForDeletion',
  key: 'unsetKeyForDeletion',
  path: 'actions/unsetKeyForDeletion',
  action: 'kms.secrets.unsetkeyfordeletion',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.unsetKeyForDeletion(caller, request.param('id'))
    return empty(204)
  },
})
