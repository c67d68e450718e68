import { loggingFrom } from '../../../objects/access-log-target.ts'
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
  run: async (name, { objects }) => {
    const logging = loggingFrom(objects.document(objects.buckets.get(name), 'logging'))
    if (!logging) return xmlReply('BucketLoggingStatus', {})
    const { targetBucket, targetPrefix, partitionedBy } = logging
    return xmlReply('BucketLoggingStatus', {
      LoggingEnabled: {
        TargetBucket: targetBucket,
        TargetPrefix: targetPrefix,
        TargetObjectKeyFormat: partitionedBy
          ? { PartitionedPrefix: { PartitionDateSource: partitionedBy } }
          : { SimplePrefix: {} },
      },
    })
  },
})
