import { z } from 'zod'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

const reply = z.object({
  providerManaged: z
    .object({ rootKeyCrn: z.string(), objects: z.int(), bytes: z.int() })
    .meta({ description: 'The root key of buckets that name none, and what lies under such buckets.' }),
  notificationTargets: z
    .array(z.object({ name: z.string(), kind: z.enum(['webhook', 'nats']), host: z.string(), arn: z.string() }))
    .meta({ description: 'Whom buckets can be let notify. Paths and credentials are not told.' }),
})

/** It is of the whole store, so it takes a Manager of every bucket. */
export const getServerSettings = defineOperation({
  name: 'GetServerSettings',
  summary: 'The root key of provider-managed buckets, and whom buckets can notify.',
  method: 'GET',
  path: '/admin/v1/settings',
  body: noBody,
  reply,
  run: async (_input, { objects, serviceRootKeyCrn, notificationTargets, requireAll }) => {
    requireAll('s3:GetBucketNotification')
    const used = await objects.encryptionUsage(objects.buckets.all())
    const { objects: count, bytes } = used['provider-managed']
    return json(200, {
      providerManaged: { rootKeyCrn: serviceRootKeyCrn, objects: count, bytes },
      notificationTargets: notificationTargets.map((target) => ({
        ...target,
        arn: `arn:coffer:sqs::${target.name}:${target.kind}`,
      })),
    })
  },
})
