import { analyticsConfigurations, analyticsContent } from '../analytics-configuration.ts'
import { listContent, listTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const listBucketAnalyticsConfigurations = defineOperation({
  name: 'ListBucketAnalyticsConfigurations',
  method: 'GET',
  on: 'bucket',
  query: { analytics: true },
  action: 's3:GetAnalyticsConfiguration',
  parse: listTarget,
  run: async (target, { objects }) => {
    const all = analyticsConfigurations.all(objects, objects.buckets.get(target.bucket))
    return xmlReply(
      'ListBucketAnalyticsConfigurationResult',
      listContent('AnalyticsConfiguration', all, target, analyticsContent),
    )
  },
})
