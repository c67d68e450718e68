import { z } from 'zod'
import { json } from '../../../common/reply.ts'
import { resourceKeyAnswer } from '../../reply-schemas.ts'
import { writeResourceKey } from '../../resource-key-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'
import { findResourceKey } from './find-resource-key.ts'
import { toldCredentials } from './told-credentials.ts'

export const updateResourceKey = resourceOperation({
  name: 'UpdateResourceKey',
  method: 'PATCH',
  path: '/v2/resource_keys/:id',
  action: 'resource-controller.credential.update',
  body: z.strictObject({ name: z.string() }),
  reply: resourceKeyAnswer,
  run: async ({ request, body }, context) => {
    const { accountId, id } = findResourceKey(request, context, 'resource-controller.credential.update')
    const key = await context.iam.resourceKeys.rename(accountId, id, body.name, context.principal)
    return json(200, writeResourceKey(key, toldCredentials(key, context)))
  },
})
