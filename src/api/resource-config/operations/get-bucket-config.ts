import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { bucketAnswer, writeBucket } from '../bucket-wire.ts'
import { configOperation, findBucket, may } from '../context.ts'
import { etagOf } from '../etag.ts'

/** IBM: who may read the bucket's metadata sees all but the firewall, which only its managers see. */
export const getBucketConfig = configOperation({
  name: 'GetBucketConfig',
  method: 'GET',
  path: '/v1/b/:bucket',
  body: noBody,
  reply: bucketAnswer,
  run: async ({ request }, context) => {
    const bucket = findBucket(request, context)
    const { bucketUsage, versionTotals } = context.objects
    const usage = { ...(await bucketUsage(bucket)), ...(await versionTotals(bucket)) }
    const configuration = context.objects.configurationOf(bucket)
    const visible = {
      firewall: may(context, 's3:GetBucketFirewall', bucket),
      activityTracking: may(context, 's3:GetBucketActivityTracking', bucket),
      metricsMonitoring: may(context, 's3:GetBucketMetricsMonitoring', bucket),
    }
    return json(200, writeBucket(bucket, configuration, usage, visible), { ETag: etagOf(bucket, configuration) })
  },
})
