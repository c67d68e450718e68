import { bucketPolicy } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketPolicy = defineOperation({
  name: 'DeleteBucketPolicy',
  method: 'DELETE',
  on: 'bucket',
  query: { policy: true },
  action: 's3:DeleteBucketPolicy',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketPolicy.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
