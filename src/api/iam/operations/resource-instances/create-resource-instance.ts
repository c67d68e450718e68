import { z } from 'zod'
import { json } from '../../../common/reply.ts'
import { requirePermission } from '../../context.ts'
import { flagHeader } from '../../entity-wire.ts'
import { instanceAnswer } from '../../reply-schemas.ts'
import { writeResourceInstance } from '../../resource-instance-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { instanceParameters } from './parameters.ts'

/** Of object storage or Key Protect, by the plan. It serves from this answer on. */
export const createResourceInstance = resourceOperation({
  name: 'CreateResourceInstance',
  method: 'POST',
  path: '/v2/resource_instances',
  action: 'resource-controller.instance.create',
  body: z.strictObject({
    name: z.string(),
    target: z.string(),
    resource_group: z.string().min(1).max(256),
    resource_plan_id: z.string(),
    tags: z.array(z.string()).max(0, 'tags are not kept here').optional(),
    allow_cleanup: z.boolean().optional(),
    parameters: instanceParameters,
  }),
  reply: instanceAnswer,
  run: async ({ request, body }, context) => {
    const { accountId } = context.principal
    requirePermission(context, 'resource-controller.instance.create', accountId)
    const draft = {
      accountId,
      name: body.name,
      target: body.target,
      plan: body.resource_plan_id,
      resourceGroupId: body.resource_group,
      allowCleanup: body.allow_cleanup,
      onetimeCredentials: body.parameters?.onetime_credentials,
      locked: flagHeader(request, 'entity-lock'),
    }
    return json(201, writeResourceInstance(await context.iam.resourceInstances.create(draft, context.principal)))
  },
})
