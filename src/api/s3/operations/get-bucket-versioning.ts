import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketVersioning = defineOperation({
  name: 'GetBucketVersioning',
  method: 'GET',
  on: 'bucket',
  query: { versioning: true },
  action: 's3:GetBucketVersioning',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    // S3: an empty element for a bucket that never had versioning.
    const { versioning } = objects.buckets.get(name)
    return xmlReply('VersioningConfiguration', { Status: versioning })
  },
})
