import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { jobReply } from '../reply-schemas.ts'

export const startRewrap = defineOperation({
  name: 'StartRewrap',
  summary: 'Puts all data keys of a bucket under the newest version of their root keys.',
  method: 'POST',
  path: '/admin/v1/buckets/:name/rewrap',
  body: noBody,
  reply: jobReply,
  run: async ({ request }, { objects, bucketFor }) => {
    const bucket = bucketFor(request.param('name'), 's3:PutEncryptionConfiguration')
    return json(202, { job: faceOf(await objects.rewraps.start(bucket)) })
  },
})
