import { bucketKeyHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const headBucket = defineOperation({
  name: 'HeadBucket',
  method: 'HEAD',
  on: 'bucket',
  action: 's3:ListBucket',
  parse: bucketTarget,
  run: async (name, { objects, settings, may }) => {
    const bucket = objects.buckets.get(name)
    const key = await bucketKeyHeaders(bucket, may)
    return { status: 200, headers: { 'x-amz-bucket-region': settings.region, ...key } }
  },
})
