import { shownPolicy } from '../../../access/principal-ids.ts'
import { bucketPolicy } from '../access/documents.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

export const getBucketPolicy = defineOperation({
  name: 'GetBucketPolicy',
  method: 'GET',
  on: 'bucket',
  query: { policy: true },
  action: 's3:GetBucketPolicy',
  parse: bucketTarget,
  run: async (name, { objects, identities }) => {
    const policy = bucketPolicy.of(objects, objects.buckets.get(name))
    if (!policy) throw new S3Error('NoSuchBucketPolicy', undefined, { extra: { BucketName: name } })
    const body = shownPolicy(policy.text, policy.ids, identities)
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  },
})
