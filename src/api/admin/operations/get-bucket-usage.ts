import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'

export const getBucketUsage = defineOperation({
  name: 'GetBucketUsage',
  method: 'GET',
  path: '/admin/v1/buckets/:name/usage',
  body: noBody,
  run: async ({ request }, { objects, bucketFor }) => {
    const bucket = bucketFor(request.param('name'), 's3:GetBucketUsage')
    return json(200, { bucket: bucket.name, ...(await objects.bucketUsage(bucket)) })
  },
})
