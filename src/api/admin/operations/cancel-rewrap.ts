import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { jobReply } from '../reply-schemas.ts'

export const cancelRewrap = defineOperation({
  name: 'CancelRewrap',
  summary: 'Ends a rewrapping before its end; what was not rewrapped stays under its version.',
  method: 'POST',
  path: '/admin/v1/buckets/:name/rewrap/cancel',
  body: noBody,
  reply: jobReply,
  run: async ({ request }, { objects, bucketFor }) => {
    const bucket = bucketFor(request.param('name'), 's3:PutEncryptionConfiguration')
    return json(200, { job: faceOf(await objects.rewraps.cancel(bucket)) })
  },
})
