import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { usageReply } from '../reply-schemas.ts'

export const getBucketUsage = defineOperation({
  name: 'GetBucketUsage',
  summary: 'What is in a bucket: objects, bytes and uploads.',
  method: 'GET',
  path: '/admin/v1/buckets/:name/usage',
  body: noBody,
  reply: usageReply,
  run: async ({ request }, { objects, bucketFor }) => {
    const bucket = bucketFor(request.param('name'), 's3:GetBucketUsage')
    return json(200, { bucket: bucket.name, ...(await objects.bucketUsage(bucket)) })
  },
})
