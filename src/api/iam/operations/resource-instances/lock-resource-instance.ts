import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { instanceAnswer } from '../../reply-schemas.ts'
import { writeResourceInstance } from '../../resource-instance-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findInstance } from './find-instance.ts'

const lock = (name: string, method: 'POST' | 'DELETE', locked: boolean) =>
  resourceOperation({
    name,
    method,
    path: '/v2/resource_instances/:id/lock',
    action: 'resource-controller.instance.update',
    body: noBody,
    reply: instanceAnswer,
    run: async ({ request }, context) => {
      const { accountId, guid } = findInstance(request, context, 'resource-controller.instance.update')
      const changed = await context.iam.resourceInstances.setLocked(accountId, guid, locked, context.principal)
      return json(200, writeResourceInstance(changed))
    },
  })

export const lockResourceInstance = lock('LockResourceInstance', 'POST', true)
export const unlockResourceInstance = lock('UnlockResourceInstance', 'DELETE', false)
