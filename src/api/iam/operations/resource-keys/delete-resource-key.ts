import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findResourceKey } from './find-resource-key.ts'

/** API key, tokens and HMAC pair stop with this answer. */
export const deleteResourceKey = resourceOperation({
  name: 'DeleteResourceKey',
  method: 'DELETE',
  path: '/v2/resource_keys/:id',
  action: 'resource-controller.credential.delete',
  body: noBody,
  run: async ({ request }, context) => {
    const { accountId, id } = findResourceKey(request, context, 'resource-controller.credential.delete')
    await context.iam.resourceKeys.remove(accountId, id, context.principal)
    return empty(204)
  },
})
