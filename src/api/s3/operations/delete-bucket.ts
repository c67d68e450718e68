import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucket = defineOperation({
  name: 'DeleteBucket',
  method: 'DELETE',
  on: 'bucket',
  action: 's3:DeleteBucket',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await objects.deleteBucket(objects.buckets.get(name))
    return { status: 204 }
  },
})
