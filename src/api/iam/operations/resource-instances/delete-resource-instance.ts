import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { parameterInvalid } from '../../entity-protocol.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findInstance } from './find-instance.ts'

/**
 * IBM keeps the data of a deleted instance for some days. Here an instance that holds any is not deleted: its buckets or
 * keys have to be deleted before, by somebody who says so for each.
 */
export const deleteResourceInstance = resourceOperation({
  name: 'DeleteResourceInstance',
  method: 'DELETE',
  path: '/v2/resource_instances/:id',
  action: 'resource-controller.instance.delete',
  body: noBody,
  run: async ({ request }, context) => {
    const recursive = request.query.get('recursive') ?? 'false'
    if (recursive !== 'true' && recursive !== 'false') throw parameterInvalid('recursive is true or false')
    const { accountId, guid } = findInstance(request, context, 'resource-controller.instance.delete')
    const { iam, principal, inUse } = context
    await iam.resourceInstances.remove(accountId, guid, recursive === 'true', principal, inUse)
    return empty(204)
  },
})
