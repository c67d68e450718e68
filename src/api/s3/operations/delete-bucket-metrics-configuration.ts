import { metricsConfigurations } from '../metrics-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const deleteBucketMetricsConfiguration = defineOperation({
  name: 'DeleteBucketMetricsConfiguration',
  method: 'DELETE',
  on: 'bucket',
  query: { metrics: true, id: true },
  action: 's3:PutMetricsConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) => {
    await metricsConfigurations.remove(objects, objects.buckets.get(bucket), id)
    return { status: 204 }
  },
})
