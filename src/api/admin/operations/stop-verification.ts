import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { latestVerificationReply } from '../reply-schemas.ts'
import { faceOfVerification } from '../scrub-face.ts'

export const stopVerification = defineOperation({
  name: 'StopVerification',
  summary: 'Ends the look for damage in a bucket that is under way.',
  method: 'DELETE',
  path: '/admin/v1/buckets/:name/verification',
  body: noBody,
  reply: latestVerificationReply,
  run: async ({ request }, { objects, bucketFor }) => {
    const latest = objects.scrub.ofBucket.stop(bucketFor(request.param('name'), 's3:GetBucketUsage'))
    return json(200, latest ? { verification: faceOfVerification(latest) } : {})
  },
})
