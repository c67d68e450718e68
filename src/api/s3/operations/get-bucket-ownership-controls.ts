import { ownershipControls } from '../access/documents.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketOwnershipControls = defineOperation({
  name: 'GetBucketOwnershipControls',
  method: 'GET',
  on: 'bucket',
  query: { ownershipControls: true },
  action: 's3:GetBucketOwnershipControls',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const stored = ownershipControls.of(objects, objects.buckets.get(name))
    if (stored === null) {
      throw new S3Error('OwnershipControlsNotFoundError', undefined, { extra: { BucketName: name } })
    }
    return xmlReply('OwnershipControls', { Rule: { ObjectOwnership: stored ?? 'BucketOwnerEnforced' } })
  },
})
