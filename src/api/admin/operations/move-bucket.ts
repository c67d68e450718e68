import { z } from 'zod'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { movedReply } from '../reply-schemas.ts'

const more = {
  bucketKey: z.boolean().exactOptional(),
  reencrypt: z.boolean().exactOptional().meta({
    description: 'New data keys, and contents sealed under them, in place of rewrapping those that there are.',
  }),
}
const body = z.discriminatedUnion('encryption', [
  z.strictObject({
    encryption: z.literal('customer-managed'),
    rootKeyCrn: z.string(),
    ...more,
  }),
  z.strictObject({ encryption: z.literal('provider-managed'), ...more }),
])

/** 202: what is new is under the key from now on, what is there is rewrapped, or sealed anew, in the background. 200: it is there already. */
export const moveBucket = defineOperation({
  name: 'MoveBucket',
  summary: 'Puts a bucket under another root key; what is there is rewrapped, and not read, or sealed anew.',
  method: 'PUT',
  path: '/admin/v1/buckets/:name/encryption',
  body,
  reply: movedReply,
  run: async (
    { request, body: { reencrypt, ...wanted } },
    { service, objects, about, bucketFor, checkRootKey, serviceRootKeyCrn },
  ) => {
    const bucket = bucketFor(request.param('name'), 's3:PutEncryptionConfiguration')
    if (wanted.encryption === 'customer-managed') {
      checkRootKey(wanted.rootKeyCrn, bucket)
      about.key = wanted.rootKeyCrn
    }
    const moved = await service.moveBucket(bucket, { rootKeyCrn: serviceRootKeyCrn, ...wanted }, { reencrypt })
    const job = objects.rewraps.jobs().find(({ bucketId }) => bucketId === bucket.id)
    const encryption = { bucket: moved.name, encryption: moved.encryption, rootKeyCrn: moved.rootKeyCrn }
    if (moved.token === bucket.token || !job) {
      // Nothing moved: nobody who looks for moves is to find one.
      about.action = 'admin.KeepEncryption'
      return json(200, encryption)
    }
    return json(202, { ...encryption, job: faceOf(job) })
  },
})
