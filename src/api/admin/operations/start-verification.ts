import { z } from 'zod'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { verificationReply } from '../reply-schemas.ts'
import { faceOfVerification } from '../scrub-face.ts'

const body = z
  .strictObject({
    prefix: z.string().max(1024).exactOptional().meta({ description: 'Of the keys to look at. Default: all.' }),
    checksums: z.boolean().exactOptional().meta({ description: 'Also those that take long: MD5 and SHA.' }),
  })
  .optional()

/** The one that is under way when it is the same; `BucketBusy` when it is another. */
export const startVerification = defineOperation({
  name: 'StartVerification',
  summary: 'Looks for damage in a bucket, or in what of it has a prefix.',
  method: 'POST',
  path: '/admin/v1/buckets/:name/verification',
  body,
  reply: verificationReply,
  run: async ({ request, body: what }, { objects, bucketFor }) => {
    const bucket = bucketFor(request.param('name'), 's3:GetBucketUsage')
    const { prefix = '', checksums = false } = what ?? {}
    return json(202, { verification: faceOfVerification(objects.scrub.ofBucket.start(bucket, { prefix, checksums })) })
  },
})
