import type { ResourceInstance } from '../../../../iam/resource-instances.ts'
import { resourceIdOf } from '../../../../iam/service-plans.ts'
import { noBody } from '../../../common/json-operation.ts'
import { requirePermission } from '../../context.ts'
import { instancesAnswer } from '../../reply-schemas.ts'
import { writeResourceInstance } from '../../resource-instance-wire.ts'
import { type Compared, listReply, wantedState } from '../../resource-list.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { takesResources } from '../../taken-queries.ts'

const COMPARED: Compared<ResourceInstance> = {
  guid: ({ guid }) => guid,
  name: ({ name }) => name,
  resource_group_id: ({ details }) => details.resourceGroupId,
  resource_id: ({ service }) => resourceIdOf(service),
  resource_plan_id: ({ details }) => details.planId,
  type: () => 'service_instance',
  sub_type: ({ service }) => service,
}

export const listResourceInstances = resourceOperation({
  name: 'ListResourceInstances',
  method: 'GET',
  path: '/v2/resource_instances',
  action: 'resource-controller.instance.retrieve',
  body: noBody,
  takes: takesResources,
  reply: instancesAnswer,
  run: async ({ request }, context) => {
    const { accountId } = context.principal
    requirePermission(context, 'resource-controller.instance.retrieve', accountId)
    return listReply(
      request,
      context.iam.resourceInstances.list(accountId, wantedState(request)),
      ({ guid, details }) => ({ guid, updatedAtMs: details.life.modifiedAtMs }),
      COMPARED,
      writeResourceInstance,
    )
  },
})
