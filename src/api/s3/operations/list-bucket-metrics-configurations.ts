import { metricsConfigurations, metricsContent } from '../metrics-configuration.ts'
import { listContent, listTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const listBucketMetricsConfigurations = defineOperation({
  name: 'ListBucketMetricsConfigurations',
  method: 'GET',
  on: 'bucket',
  query: { metrics: true },
  action: 's3:GetMetricsConfiguration',
  parse: listTarget,
  run: async (target, { objects }) => {
    const all = metricsConfigurations.all(objects, objects.buckets.get(target.bucket))
    return xmlReply('ListMetricsConfigurationsResult', listContent('MetricsConfiguration', all, target, metricsContent))
  },
})
