import { isPublicAcl } from '../../../access/acl.ts'
import { policyOf } from '../access/bucket-access.ts'
import { aclOf, ownershipOf } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

/** Would anything, policy or ACL, let in whoever comes? Public access block may keep them out all the same. */
export const getBucketPolicyStatus = defineOperation({
  name: 'GetBucketPolicyStatus',
  method: 'GET',
  on: 'bucket',
  query: { policyStatus: true },
  action: 's3:GetBucketPolicyStatus',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const bucket = objects.buckets.get(name)
    const policy = policyOf(objects, bucket)
    const byPolicy = policy !== undefined && policy !== 'unreadable' && policy.isPublic
    const byAcl = ownershipOf(objects, bucket) !== 'BucketOwnerEnforced' && isPublicAcl(aclOf(objects, bucket))
    return xmlReply('PolicyStatus', { IsPublic: byPolicy || byAcl })
  },
})
