import { z } from 'zod'
import { apiKeyMembers, readApiKey } from '../../api-key-wire.ts'
import { requirePermission } from '../../context.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { flagHeader } from '../../entity-wire.ts'
import { newServiceIdAnswer } from '../../reply-schemas.ts'
import { serviceIdReply } from '../../service-id-wire.ts'

const body = z.strictObject({
  account_id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  unique_instance_crns: z.array(z.string().max(512)).max(64).optional(),
  apikey: z.strictObject(apiKeyMembers).optional(),
})

const createServiceIdAt = (name: string, path: string) =>
  entityOperation({
    name,
    method: 'POST',
    path,
    action: 'iam-identity.serviceid.create',
    body,
    reply: newServiceIdAnswer,
    run: async ({ request, body: given }, context) => {
      requirePermission(context, 'iam-identity.serviceid.create', given.account_id)
      if (given.apikey) requirePermission(context, 'iam-identity.apikey.manage', given.account_id)
      const draft = {
        accountId: given.account_id,
        name: given.name,
        description: given.description,
        uniqueInstanceCrns: given.unique_instance_crns,
        locked: flagHeader(request, 'entity-lock'),
        apiKey: given.apikey && readApiKey(given.apikey),
      }
      const { serviceId, apiKey } = await context.iam.serviceIds.create(draft, context.principal)
      return serviceIdReply(201, serviceId, request, apiKey)
    },
  })

/** IBM's client sends the path with a slash at its end. */
export const createServiceId = createServiceIdAt('CreateServiceId', '/v1/serviceids/')
export const createServiceIdWithoutSlash = createServiceIdAt('CreateServiceIdWithoutSlash', '/v1/serviceids')
