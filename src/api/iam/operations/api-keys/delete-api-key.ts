import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findApiKey } from './find-api-key.ts'

/** The tokens that it got end with it. */
export const deleteApiKey = entityOperation({
  name: 'DeleteApiKey',
  method: 'DELETE',
  path: '/v1/apikeys/:id',
  action: 'iam-identity.apikey.manage',
  body: noBody,
  run: async ({ request }, context) => {
    await context.iam.apiKeys.delete(findApiKey(request, context, 'iam-identity.apikey.manage').id)
    return empty(204)
  },
})
