import { wantedAcl } from '../access/change-acl.ts'
import { aclToJson, bucketAcl } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const putBucketAcl = defineOperation({
  name: 'PutBucketAcl',
  method: 'PUT',
  on: 'bucket',
  query: { acl: true },
  action: 's3:PutBucketAcl',
  parse: bucketTarget,
  run: async (name, context) => {
    const bucket = context.objects.buckets.get(name)
    const acl = await wantedAcl(context, bucket, bucket.ownerId)
    await bucketAcl.change(context.objects, bucket, aclToJson(acl))
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
