import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineKeyAction } from '../key-action.ts'

export const setKeyForDeletion = defineKeyAction({
  name: 'SetKeyForDeletion',
  key: 'setKeyForDeletion',
  path: 'actions/setKeyForDeletion',
  action: 'kms.secrets.setkeyfordeletion',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    await kms.setKeyForDeletion(caller, request.param('id'))
    return empty(204)
  },
})
