import { loggingFrom } from '../../../objects/access-log-target.ts'
import { grantContent } from '../access/acl-xml.ts'
import { aclFromJson } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketLogging = defineOperation({
  name: 'GetBucketLogging',
  method: 'GET',
  on: 'bucket',
  query: { logging: true },
  action: 's3:GetBucketLogging',
  parse: bucketTarget,
  run: async (name, { objects, accounts }) => {
    const logging = loggingFrom(objects.document(objects.buckets.get(name), 'logging'))
    if (!logging) return xmlReply('BucketLoggingStatus', {})
    const { targetBucket, targetPrefix, partitionedBy, acl } = logging
    // The first is what the owner has in any case.
    const grants = acl === undefined ? [] : aclFromJson('', acl).grants.slice(1)
    return xmlReply('BucketLoggingStatus', {
      LoggingEnabled: {
        TargetBucket: targetBucket,
        TargetPrefix: targetPrefix,
        TargetGrants: grants.length > 0 ? { Grant: grants.map((grant) => grantContent(grant, accounts)) } : undefined,
        TargetObjectKeyFormat: partitionedBy
          ? { PartitionedPrefix: { PartitionDateSource: partitionedBy } }
          : { SimplePrefix: {} },
      },
    })
  },
})
