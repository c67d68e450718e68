import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyReply } from '../reply-schemas.ts'

export const getKeyMetadata = defineOperation({
  name: 'GetKeyMetadata',
  method: 'GET',
  path: '/api/v2/keys/:id/metadata',
  action: 'kms.secrets-metadata.read',
  body: noBody,
  reply: keyReply,
  run: async ({ request }, { kms, caller }) =>
    json(200, collection('key', [keyResource(kms.getKeyMetadata(caller, request.param('id')))])),
})
