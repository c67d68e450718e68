import { privateAcl } from '../../../access/acl.ts'
import { aclDocument } from '../access/acl-xml.ts'
import { aclOf, ownershipOf } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketAcl = defineOperation({
  name: 'GetBucketAcl',
  method: 'GET',
  on: 'bucket',
  query: { acl: true },
  action: 's3:GetBucketAcl',
  parse: bucketTarget,
  run: async (name, { objects, accounts }) => {
    const bucket = objects.buckets.get(name)
    const enforced = ownershipOf(objects, bucket) === 'BucketOwnerEnforced'
    const acl = enforced ? privateAcl(bucket.ownerId) : aclOf(objects, bucket)
    return xmlReply('AccessControlPolicy', aclDocument(acl, accounts))
  },
})
