import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { importTokenResource } from '../import-token-resource.ts'
import { revealed } from '../key-resource.ts'
import { importTokenReply } from '../reply-schemas.ts'

/** Each answer counts as a retrieval. */
export const getImportToken = defineOperation({
  name: 'GetImportToken',
  method: 'GET',
  path: '/api/v2/import_token',
  action: 'kms.import-token.read',
  body: noBody,
  reply: importTokenReply,
  run: async (_, { kms, caller }) => {
    const { record, nonce } = await kms.retrieveImportToken(caller)
    const payload = Buffer.from(record.publicKey, 'latin1').toString('base64')
    return json(200, { ...importTokenResource(record), payload, nonce: revealed(nonce) })
  },
})
