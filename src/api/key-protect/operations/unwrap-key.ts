import { json } from '../../common/reply.ts'
import { fromBase64, unwrapBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'
import { revealed } from '../key-resource.ts'
import { unwrapReply } from '../reply-schemas.ts'

export const unwrapKey = defineKeyAction({
  name: 'UnwrapKey',
  key: 'unwrap',
  path: 'actions/unwrap',
  action: 'kms.secrets.unwrap',
  body: unwrapBody,
  reply: unwrapReply,
  run: async ({ request, body }, { kms, caller }) => {
    const ciphertext = fromBase64('ciphertext', body.ciphertext)
    const { plaintext, keyVersion, rewrapped } = kms.unwrap(caller, request.param('id'), ciphertext, body.aad ?? [])
    return json(200, {
      plaintext: revealed(plaintext),
      keyVersion: { id: keyVersion },
      ...(rewrapped && {
        ciphertext: rewrapped.ciphertext.toString('base64'),
        rewrappedKeyVersion: { id: rewrapped.keyVersion },
      }),
    })
  },
})
