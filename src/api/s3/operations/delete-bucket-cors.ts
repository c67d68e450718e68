import { bucketCors } from '../cors.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketCors = defineOperation({
  name: 'DeleteBucketCors',
  method: 'DELETE',
  on: 'bucket',
  query: { cors: true },
  action: 's3:PutBucketCORS',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketCors.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
