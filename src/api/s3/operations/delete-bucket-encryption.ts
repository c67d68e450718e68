import { bucketEncryption } from '../bucket-encryption.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

/** Back to what the bucket was made with, with nothing blocked. What is there stays as it is. */
export const deleteBucketEncryption = defineOperation({
  name: 'DeleteBucketEncryption',
  method: 'DELETE',
  on: 'bucket',
  query: { encryption: true },
  action: 's3:PutEncryptionConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketEncryption.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
