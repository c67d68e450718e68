import { z } from 'zod'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { movedReply } from '../reply-schemas.ts'

const body = z.discriminatedUnion('encryption', [
  z.strictObject({
    encryption: z.literal('customer-managed'),
    rootKeyCrn: z.string(),
    bucketKey: z.boolean().exactOptional(),
  }),
  z.strictObject({ encryption: z.literal('provider-managed'), bucketKey: z.boolean().exactOptional() }),
])

/** 202: what is new is under the key from now on, what is there is rewrapped in the background. 200: it is there already. */
export const moveBucket = defineOperation({
  name: 'MoveBucket',
  summary: 'Puts a bucket under another root key; what is there is rewrapped, and not read.',
  method: 'PUT',
  path: '/admin/v1/buckets/:name/encryption',
  body,
  reply: movedReply,
  run: async ({ request, body: wanted }, { service, objects, bucketFor, checkRootKey, serviceRootKeyCrn }) => {
    const bucket = bucketFor(request.param('name'), 's3:PutEncryptionConfiguration')
    if (wanted.encryption === 'customer-managed') checkRootKey(wanted.rootKeyCrn, bucket)
    const moved = await service.moveBucket(bucket, { rootKeyCrn: serviceRootKeyCrn, ...wanted })
    const job = objects.rewraps.jobs().find(({ bucketId }) => bucketId === bucket.id)
    const encryption = { bucket: moved.name, encryption: moved.encryption, rootKeyCrn: moved.rootKeyCrn }
    if (moved.token === bucket.token || !job) return json(200, encryption)
    return json(202, { ...encryption, job: faceOf(job) })
  },
})
