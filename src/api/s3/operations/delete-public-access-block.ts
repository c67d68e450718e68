import { publicAccessBlock } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const deletePublicAccessBlock = defineOperation({
  name: 'DeletePublicAccessBlock',
  method: 'DELETE',
  on: 'bucket',
  query: { publicAccessBlock: true },
  // S3 has no right of its own for this.
  action: 's3:PutBucketPublicAccessBlock',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await publicAccessBlock.change(objects, objects.buckets.get(name), null)
    return { status: 204 }
  },
})
