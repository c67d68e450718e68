import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection, wireTime } from '../envelope.ts'
import { aliasReply } from '../reply-schemas.ts'

export const createAlias = defineOperation({
  name: 'CreateKeyAlias',
  method: 'POST',
  path: '/api/v2/keys/:id/aliases/:alias',
  action: 'kms.secrets-alias.create',
  body: noBody,
  reply: aliasReply,
  run: async ({ request }, { kms, caller }) => {
    const { keyId, alias, createdBy, createdAt } = await kms.createAlias(
      caller,
      request.param('id'),
      request.param('alias'),
    )
    return json(201, collection('alias', [{ keyId, alias, createdBy, creationDate: wireTime(createdAt) }]))
  },
})
