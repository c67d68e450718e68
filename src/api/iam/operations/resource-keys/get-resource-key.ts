import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { resourceKeyAnswer } from '../../reply-schemas.ts'
import { writeResourceKey } from '../../resource-key-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findResourceKey } from './find-resource-key.ts'
import { toldCredentials } from './told-credentials.ts'

/** By CRN or GUID. A deleted one is told of for a while, with state `removed` and without credentials. */
export const getResourceKey = resourceOperation({
  name: 'GetResourceKey',
  method: 'GET',
  path: '/v2/resource_keys/:id',
  action: 'resource-controller.credential.retrieve',
  body: noBody,
  reply: resourceKeyAnswer,
  run: async ({ request }, context) => {
    const key = findResourceKey(request, context, 'resource-controller.credential.retrieve')
    return json(200, writeResourceKey(key, toldCredentials(key, context)))
  },
})
