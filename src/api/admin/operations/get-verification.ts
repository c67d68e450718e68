import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { latestVerificationReply } from '../reply-schemas.ts'
import { faceOfVerification } from '../scrub-face.ts'

export const getVerification = defineOperation({
  name: 'GetVerification',
  summary: 'The latest look for damage in a bucket that somebody asked for, and what it found.',
  method: 'GET',
  path: '/admin/v1/buckets/:name/verification',
  body: noBody,
  reply: latestVerificationReply,
  run: async ({ request }, { objects, bucketFor }) => {
    const latest = objects.scrub.ofBucket.latest(bucketFor(request.param('name'), 's3:GetBucketUsage'))
    return json(200, latest ? { verification: faceOfVerification(latest) } : {})
  },
})
