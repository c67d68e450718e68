import { z } from 'zod'
import { entityOperation } from '../../entity-protocol.ts'
import { seenRevision } from '../../entity-wire.ts'
import { oneServiceIdAnswer } from '../../reply-schemas.ts'
import { serviceIdReply } from '../../service-id-wire.ts'
import { findServiceId } from './find-service-id.ts'

export const updateServiceId = entityOperation({
  name: 'UpdateServiceId',
  method: 'PUT',
  path: '/v1/serviceids/:id',
  action: 'iam-identity.serviceid.update',
  body: z.strictObject({
    name: z.string().optional(),
    description: z.string().optional(),
    unique_instance_crns: z.array(z.string().max(512)).max(64).optional(),
  }),
  reply: oneServiceIdAnswer,
  run: async ({ request, body }, context) => {
    const { accountId, id, life } = findServiceId(request, context, 'iam-identity.serviceid.update')
    const revision = seenRevision(request, life, id)
    const patch = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.unique_instance_crns === undefined ? {} : { uniqueInstanceCrns: body.unique_instance_crns }),
    }
    const updated = await context.iam.serviceIds.update(accountId, id, patch, context.principal, revision)
    return serviceIdReply(200, updated, request)
  },
})
