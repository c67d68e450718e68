import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { bucketWebsite } from '../website/configuration.ts'

export const deleteBucketWebsite = defineOperation({
  name: 'DeleteBucketWebsite',
  method: 'DELETE',
  on: 'bucket',
  query: { website: true },
  action: 's3:DeleteBucketWebsite',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketWebsite.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
