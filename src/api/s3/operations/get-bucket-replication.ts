import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketReplication } from '../replication/configuration.ts'
import { replicationContent } from '../replication/write-configuration.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketReplication = defineOperation({
  name: 'GetBucketReplication',
  method: 'GET',
  on: 'bucket',
  query: { replication: true },
  action: 's3:GetReplicationConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const configuration = bucketReplication.of(objects, objects.buckets.get(name))
    if (!configuration) {
      throw new S3Error('ReplicationConfigurationNotFoundError', undefined, { extra: { BucketName: name } })
    }
    return xmlReply('ReplicationConfiguration', replicationContent(configuration))
  },
})
