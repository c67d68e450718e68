import { noBody } from '../../../common/json-operation.ts'
import { apiKeyReply } from '../../api-key-wire.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { oneApiKeyAnswer } from '../../reply-schemas.ts'
import { findApiKey } from './find-api-key.ts'

export const getApiKey = entityOperation({
  name: 'GetApiKey',
  method: 'GET',
  path: '/v1/apikeys/:id',
  action: 'iam-identity.apikey.get',
  body: noBody,
  reply: oneApiKeyAnswer,
  run: async ({ request }, context) =>
    apiKeyReply(200, findApiKey(request, context, 'iam-identity.apikey.get'), request),
})
