import { z } from 'zod'
import { json } from '../../../common/reply.ts'
import { instanceAnswer } from '../../reply-schemas.ts'
import { writeResourceInstance } from '../../resource-instance-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findInstance } from './find-instance.ts'
import { instanceParameters } from './parameters.ts'

export const updateResourceInstance = resourceOperation({
  name: 'UpdateResourceInstance',
  method: 'PATCH',
  path: '/v2/resource_instances/:id',
  action: 'resource-controller.instance.update',
  body: z.strictObject({
    name: z.string().optional(),
    resource_plan_id: z.string().optional(),
    allow_cleanup: z.boolean().optional(),
    parameters: instanceParameters,
  }),
  reply: instanceAnswer,
  run: async ({ request, body }, { iam, principal, ...context }) => {
    const found = findInstance(request, { iam, principal, ...context }, 'resource-controller.instance.update')
    const patch = {
      name: body.name,
      plan: body.resource_plan_id,
      allowCleanup: body.allow_cleanup,
      onetimeCredentials: body.parameters?.onetime_credentials,
    }
    const updated = await iam.resourceInstances.update(found.accountId, found.guid, patch, principal)
    return json(200, writeResourceInstance(updated))
  },
})
