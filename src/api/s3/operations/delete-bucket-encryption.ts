import { bucketEncryption, withBlocked } from '../bucket-encryption.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

/** Back to what the bucket's root key makes of it; what is blocked stays so. What is there stays as it is. */
export const deleteBucketEncryption = defineOperation({
  name: 'DeleteBucketEncryption',
  method: 'DELETE',
  on: 'bucket',
  query: { encryption: true },
  action: 's3:PutEncryptionConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketEncryption.change(objects, objects.buckets.get(name), (now) =>
      now?.blocked ? withBlocked({}, now) : undefined,
    )
    return { status: 204 }
  },
})
