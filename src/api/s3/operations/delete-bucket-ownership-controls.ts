import { ownershipControls } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketOwnershipControls = defineOperation({
  name: 'DeleteBucketOwnershipControls',
  method: 'DELETE',
  on: 'bucket',
  query: { ownershipControls: true },
  // S3 has no right of its own for this.
  action: 's3:PutBucketOwnershipControls',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await ownershipControls.change(objects, objects.buckets.get(name), null)
    return { status: 204 }
  },
})
