import { bucketTagging } from '../bucket-tagging.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketTagging = defineOperation({
  name: 'DeleteBucketTagging',
  method: 'DELETE',
  on: 'bucket',
  query: { tagging: true },
  action: 's3:PutBucketTagging',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketTagging.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
