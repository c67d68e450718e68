import { json } from '../../common/reply.ts'
import { fromBase64, unwrapBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'
import { rewrapReply } from '../reply-schemas.ts'

export const rewrapKey = defineKeyAction({
  name: 'RewrapKey',
  key: 'rewrap',
  path: 'actions/rewrap',
  action: 'kms.secrets.rewrap',
  body: unwrapBody,
  reply: rewrapReply,
  run: async ({ request, body }, { kms, caller }) => {
    const old = fromBase64('ciphertext', body.ciphertext)
    const { ciphertext, keyVersion, previousVersion } = kms.rewrap(caller, request.param('id'), old, body.aad ?? [])
    return json(200, {
      ciphertext: ciphertext.toString('base64'),
      keyVersion: { id: previousVersion },
      rewrappedKeyVersion: { id: keyVersion },
    })
  },
})
