import type { StoredResourceKey } from '../../../../iam/records.ts'
import { resourceIdOf } from '../../../../iam/service-plans.ts'
import { noBody } from '../../../common/json-operation.ts'
import type { Reply } from '../../../common/reply.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import { resourceKeysAnswer } from '../../reply-schemas.ts'
import { serviceOfKey, writeResourceKey } from '../../resource-key-wire.ts'
import { type Compared, listReply, wantedState } from '../../resource-list.ts'
import { type ResourceContext, resourceOperation } from '../../resource-protocol.ts'
import { toldCredentials } from './told-credentials.ts'

const COMPARED: Compared<StoredResourceKey> = {
  guid: ({ id }) => id,
  name: ({ name }) => name,
  resource_group_id: ({ resourceGroupId }) => resourceGroupId,
  resource_id: (key) => resourceIdOf(serviceOfKey(key)),
}

function keysReply(request: ApiRequest, context: ResourceContext, sourceGuid?: string): Reply {
  const all = context.iam.resourceKeys.list(context.principal.accountId, wantedState(request))
  return listReply(
    request,
    all.filter((key) => sourceGuid === undefined || key.sourceGuid === sourceGuid),
    ({ id, life }) => ({ guid: id, updatedAtMs: life.modifiedAtMs }),
    COMPARED,
    (key) => writeResourceKey(key, toldCredentials(key, context)),
  )
}

export const listResourceKeys = resourceOperation({
  name: 'ListResourceKeys',
  method: 'GET',
  path: '/v2/resource_keys',
  action: 'resource-controller.credential.retrieve',
  body: noBody,
  reply: resourceKeysAnswer,
  run: async ({ request }, context) => {
    requirePermission(context, 'resource-controller.credential.retrieve', context.principal.accountId)
    return keysReply(request, context)
  },
})

export const listResourceKeysForInstance = resourceOperation({
  name: 'ListResourceKeysForInstance',
  method: 'GET',
  path: '/v2/resource_instances/:id/resource_keys',
  action: 'resource-controller.credential.retrieve',
  body: noBody,
  reply: resourceKeysAnswer,
  run: async ({ request }, context) => {
    const { accountId } = context.principal
    requirePermission(context, 'resource-controller.credential.retrieve', accountId)
    return keysReply(request, context, context.iam.resourceInstances.get(accountId, request.param('id')).guid)
  },
})
