import { z } from 'zod'
import { json } from '../../../common/reply.ts'
import { requirePermission } from '../../context.ts'
import { resourceKeyAnswer } from '../../reply-schemas.ts'
import { writeCredentials, writeResourceKey } from '../../resource-key-wire.ts'
import { resourceOperation } from '../../resource-protocol.ts'

/** `{"HMAC":true}` is what object storage takes; the rest belongs to the platform. */
const parameters = z.strictObject({ HMAC: z.boolean().optional(), serviceid_crn: z.string().optional() }).optional()

export const createResourceKey = resourceOperation({
  name: 'CreateResourceKey',
  method: 'POST',
  path: '/v2/resource_keys',
  action: 'resource-controller.credential.create',
  body: z.strictObject({ name: z.string(), source: z.string(), role: z.string().min(1).optional(), parameters }),
  reply: resourceKeyAnswer,
  run: async ({ body }, context) => {
    const { iam, principal } = context
    requirePermission(context, 'resource-controller.credential.create', principal.accountId)
    const draft = {
      accountId: principal.accountId,
      name: body.name,
      source: body.source,
      role: body.role,
      hmac: body.parameters?.HMAC ?? false,
      serviceIdCrn: body.parameters?.serviceid_crn,
    }
    const { key, secrets } = await iam.resourceKeys.create(draft, principal)
    return json(201, writeResourceKey(key, writeCredentials(key, secrets)))
  },
})
