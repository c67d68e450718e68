import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { checkedReplication } from '../replication/check-destination.ts'
import { bucketReplication } from '../replication/configuration.ts'
import { REPLICATION_BODY, readReplication } from '../replication/read-configuration.ts'
import { bucketTarget } from '../target.ts'

export const putBucketReplication = defineOperation({
  name: 'PutBucketReplication',
  method: 'PUT',
  on: 'bucket',
  query: { replication: true },
  action: 's3:PutReplicationConfiguration',
  parse: bucketTarget,
  run: async (name, context) => {
    const { objects, request, body } = context
    const bucket = objects.buckets.get(name)
    const given = readReplication(await readXmlBody(request, body, REPLICATION_BODY))
    const configuration = await checkedReplication(bucket, given, context)
    await bucketReplication.change(objects, bucket, () => {
      if (objects.buckets.get(name).versioning !== 'Enabled') {
        throw new S3Error(
          'InvalidRequest',
          "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
          { extra: { BucketName: name } },
        )
      }
      return configuration
    })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
