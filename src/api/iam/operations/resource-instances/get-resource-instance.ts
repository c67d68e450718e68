import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { instanceAnswer } from '../../reply-schemas.ts'
import { writeResourceInstance } from '../../resource-instance-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findInstance } from './find-instance.ts'

/** By CRN or GUID. A deleted one is told of for a while, with state `removed`. */
export const getResourceInstance = resourceOperation({
  name: 'GetResourceInstance',
  method: 'GET',
  path: '/v2/resource_instances/:id',
  action: 'resource-controller.instance.retrieve',
  body: noBody,
  reply: instanceAnswer,
  run: async ({ request }, context) =>
    json(200, writeResourceInstance(findInstance(request, context, 'resource-controller.instance.retrieve'))),
})
