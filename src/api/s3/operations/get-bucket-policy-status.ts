import { isPublicAcl } from '../../../access/acl.ts'
import { accessOf } from '../access/bucket-access.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

/** Does anything, policy or ACL, let in whoever comes? Not what public access block keeps out of effect. */
export const getBucketPolicyStatus = defineOperation({
  name: 'GetBucketPolicyStatus',
  method: 'GET',
  on: 'bucket',
  query: { policyStatus: true },
  action: 's3:GetBucketPolicyStatus',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const { policy, acl, restrictPublicBuckets } = accessOf(objects, objects.buckets.get(name))
    const byPolicy = policy !== undefined && policy !== 'unreadable' && policy.isPublic && !restrictPublicBuckets
    const isPublic = byPolicy || (acl !== undefined && isPublicAcl(acl))
    return xmlReply('PolicyStatus', { IsPublic: isPublic })
  },
})
