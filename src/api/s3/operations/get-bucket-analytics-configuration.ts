import { analyticsConfigurations, analyticsContent } from '../analytics-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketAnalyticsConfiguration = defineOperation({
  name: 'GetBucketAnalyticsConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { analytics: true, id: true },
  action: 's3:GetAnalyticsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) =>
    xmlReply(
      'AnalyticsConfiguration',
      analyticsContent(analyticsConfigurations.get(objects, objects.buckets.get(bucket), id)),
    ),
})
