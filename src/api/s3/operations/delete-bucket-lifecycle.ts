import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketLifecycle = defineOperation({
  name: 'DeleteBucketLifecycle',
  method: 'DELETE',
  on: 'bucket',
  query: { lifecycle: true },
  action: 's3:PutLifecycleConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await objects.changeDocument(objects.buckets.get(name), 'lifecycle', () => undefined)
    return { status: 204 }
  },
})
