import { json } from '../../common/reply.ts'
import { fromBase64, wrapBody } from '../bodies.ts'
import { defineKeyAction } from '../key-action.ts'
import { revealed } from '../key-resource.ts'
import { wrapReply } from '../reply-schemas.ts'

export const wrapKey = defineKeyAction({
  name: 'WrapKey',
  key: 'wrap',
  path: 'actions/wrap',
  action: 'kms.secrets.wrap',
  body: wrapBody,
  reply: wrapReply,
  run: async ({ request, body }, { kms, caller }) => {
    const { plaintext, aad = [] } = body ?? {}
    if (plaintext === undefined) {
      const { plaintext: made, ciphertext, keyVersion } = kms.wrapNew(caller, request.param('id'), aad)
      return json(200, {
        plaintext: revealed(made),
        ciphertext: ciphertext.toString('base64'),
        keyVersion: { id: keyVersion },
      })
    }
    const bytes = fromBase64('plaintext', plaintext)
    try {
      const { ciphertext, keyVersion } = kms.wrap(caller, request.param('id'), bytes, aad)
      return json(200, { ciphertext: ciphertext.toString('base64'), keyVersion: { id: keyVersion } })
    } finally {
      bytes.fill(0)
    }
  },
})
