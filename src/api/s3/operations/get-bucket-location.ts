import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketLocation = defineOperation({
  name: 'GetBucketLocation',
  method: 'GET',
  on: 'bucket',
  query: { location: true },
  action: 's3:GetBucketLocation',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const { locationConstraint } = objects.buckets.get(name)
    // S3: us-east-1 is spelled as an empty constraint.
    return xmlReply('LocationConstraint', locationConstraint === 'us-east-1' ? '' : locationConstraint)
  },
})
