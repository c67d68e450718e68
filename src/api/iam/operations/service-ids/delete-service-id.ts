import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findServiceId } from './find-service-id.ts'

/** With its keys and tokens, at once. */
export const deleteServiceId = entityOperation({
  name: 'DeleteServiceId',
  method: 'DELETE',
  path: '/v1/serviceids/:id',
  action: 'iam-identity.serviceid.delete',
  body: noBody,
  run: async ({ request }, context) => {
    const { accountId, id } = findServiceId(request, context, 'iam-identity.serviceid.delete')
    await context.iam.serviceIds.delete(accountId, id)
    return empty(204)
  },
})
