import { metricsConfigurations, metricsContent } from '../metrics-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketMetricsConfiguration = defineOperation({
  name: 'GetBucketMetricsConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { metrics: true, id: true },
  action: 's3:GetMetricsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) =>
    xmlReply(
      'MetricsConfiguration',
      metricsContent(metricsConfigurations.get(objects, objects.buckets.get(bucket), id)),
    ),
})
